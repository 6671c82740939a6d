package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"datapusher/internal/auth"
	"datapusher/internal/ingest"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

const (
	idempotencyKeyHeader = "Idempotency-Key"
	eventTypeHeader      = "Event-Type"
)

// postIncoming takes an event. A credential's header, a useless one too, makes
// the whole body the event; without one it is the seed's form.
func (a *api) postIncoming(w http.ResponseWriter, r *http.Request) error {
	c, err := credentialOf(r.Header)
	if err != nil {
		return err
	}
	if !c.given {
		return a.postSeedIncoming(w, r)
	}
	v, err := a.ingester(r, c.secret)
	if err != nil {
		return err
	}
	e, err := describe(r.Header, v.AccountID, ingest.MaxKey)
	if err != nil {
		return err
	}
	if err := checkMedia(r.Header); err != nil {
		return err
	}
	if e.Payload, err = readBody(w, r, ingest.MaxPayload); err != nil {
		return err
	}
	if err := confirm(r, func() (*auth.Viewer, error) { return a.ingester(r, c.secret) }); err != nil {
		return err
	}
	if err := checkJSON("body", e.Payload, jsoncheck.MaxDepth); err != nil {
		return err
	}
	receipt, err := a.Ingest.Accept(r.Context(), e)
	if err != nil {
		return err
	}
	writeReceipt(w, http.StatusAccepted, receipt)
	return nil
}

// ingester finds the viewer of a token that may push events.
func (a *api) ingester(r *http.Request, secret string) (*auth.Viewer, error) {
	v, err := a.authenticateAccount(r, secret)
	if err == nil && !v.Can(auth.Ingest) {
		return nil, problem.New(problem.Forbidden, "the token lacks the scope %s", auth.Ingest)
	}
	return v, err
}

// describe reads what the headers say of an account's event. The idempotency key
// has at most maxKey characters.
func describe(h http.Header, accountID string, maxKey int) (ingest.Event, error) {
	e := ingest.Event{AccountID: accountID}
	var broken problem.Fields
	switch keys := h.Values(idempotencyKeyHeader); {
	case len(keys) == 0:
	case len(keys) > 1 || !isKey(keys[0], maxKey):
		broken.Add(idempotencyKeyHeader, "must be 1 to %d visible ASCII characters", maxKey)
	default:
		e.IdempotencyKey = keys[0]
	}
	switch types := h.Values(eventTypeHeader); {
	case len(types) == 0:
	case len(types) > 1 || !isEventType(types[0]):
		broken.Add(eventTypeHeader, "must be UTF-8 of at most %d characters, without control characters", ingest.MaxEventType)
	default:
		e.EventType = types[0]
	}
	return e, broken.Err()
}

func isKey(s string, longest int) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

func isEventType(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= ingest.MaxEventType && !strings.ContainsFunc(s, unicode.IsControl)
}

// writeReceipt answers that an event was accepted. It is written by hand: this
// is the one answer that is given thousands of times a second, and an id needs
// no escaping.
func writeReceipt(w http.ResponseWriter, status int, receipt ingest.Receipt) {
	b := append(appendReceipt(make([]byte, 0, 128), receipt), '\n')
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // an error means that nobody reads any more
}

func appendReceipt(b []byte, receipt ingest.Receipt) []byte {
	b = append(b, `{"status":true,"event_id":"`...)
	b = append(b, receipt.EventID...)
	b = append(b, `","deliveries":`...)
	b = strconv.AppendInt(b, int64(receipt.Deliveries), 10)
	b = append(b, `,"duplicate":`...)
	b = strconv.AppendBool(b, receipt.Duplicate)
	return append(b, '}')
}
