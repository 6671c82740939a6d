package httpapi

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"

	"datapusher/internal/auth"
	"datapusher/internal/ingest"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// Limits of a request with several events. Each of them has those of a single one.
const (
	maxBatch      = 8 << 20 // bytes of the body
	maxBatchItems = 1000
	maxBatchKey   = ingest.MaxKey - len("/999") // see keyOf
)

// postBatch takes several events of one account: the elements of an array or the
// lines of NDJSON. What the headers say goes for all of them, unless they name
// the members that say it for each.
func (a *api) postBatch(w http.ResponseWriter, r *http.Request) error {
	c, err := credentialOf(r.Header)
	if err != nil {
		return err
	}
	if !c.given {
		return a.denied(r)
	}
	v, err := a.ingester(r, c.secret)
	if err != nil {
		return err
	}
	e, err := describe(r.Header, v.AccountID, maxBatchKey)
	if err != nil {
		return err
	}
	own, err := membersOf(r.Header)
	if err != nil {
		return err
	}
	inLines, err := checkBatchMedia(r.Header)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, maxBatch)
	if err != nil {
		return err
	}
	if err := confirm(r, func() (*auth.Viewer, error) { return a.ingester(r, c.secret) }); err != nil {
		return err
	}
	take := elements
	if inLines {
		take = lines
	}
	items, err := take(body)
	if err != nil {
		return err
	}
	results := a.acceptBatch(r, e, own, items)
	status, err := statusOf(results)
	if status == 0 {
		return err
	}
	if err != nil {
		recordOf(r).failure = problem.From(err) // for the log: the answer is the results
	}
	writeResults(w, status, results)
	return nil
}

// batchItem is one event of a body, or why it is none.
type batchItem struct {
	text []byte
	err  error
}

func newBatchItem(text []byte, broken error) batchItem {
	if len(text) > ingest.MaxPayload {
		return batchItem{err: problem.New(problem.TooLarge, "the event must have at most %d bytes", ingest.MaxPayload)}
	}
	if broken != nil {
		return batchItem{err: problem.New(problem.Invalid, "the event %s", broken)}
	}
	return batchItem{text: text}
}

// elements takes an array apart. Where it is broken in itself, so are the borders
// between its elements, and there are no events.
func elements(body []byte) ([]batchItem, error) {
	var items []batchItem
	err := jsoncheck.Elements(body, jsoncheck.MaxDepth, func(text []byte, broken error) bool {
		items = append(items, newBatchItem(text, broken))
		return len(items) <= maxBatchItems
	})
	if err != nil {
		return nil, problem.Fields{{Name: "body", Message: err.Error()}}.Err()
	}
	return items, countable(items)
}

// lines takes NDJSON apart. A line with nothing but space is none, and the last
// one needs no end.
func lines(body []byte) ([]batchItem, error) {
	var items []batchItem
	for line := range bytes.Lines(body) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(bytes.Trim(line, " \t\r")) == 0 {
			continue
		}
		var broken error
		if len(line) <= ingest.MaxPayload {
			broken = jsoncheck.Check(line, jsoncheck.MaxDepth)
		}
		if items = append(items, newBatchItem(line, broken)); len(items) > maxBatchItems {
			break
		}
	}
	return items, countable(items)
}

func countable(items []batchItem) error {
	if len(items) == 0 || len(items) > maxBatchItems {
		return problem.Fields{{Name: "body", Message: "must have 1 to " + strconv.Itoa(maxBatchItems) + " events"}}.Err()
	}
	return nil
}

// acceptBatch accepts those of the items that are events. Each is described by
// all, as far as it has nothing of its own.
func (a *api) acceptBatch(r *http.Request, all ingest.Event, own members, items []batchItem) []ingest.Result {
	results := make([]ingest.Result, len(items))
	events := make([]ingest.Event, 0, len(items))
	for i, item := range items {
		e := all
		if e.IdempotencyKey != "" {
			e.IdempotencyKey = keyOf(all.IdempotencyKey, i)
		}
		e.Payload = item.text
		if results[i].Err = item.err; item.err == nil {
			results[i].Err = own.describe(&e)
		}
		if results[i].Err != nil {
			continue
		}
		// A copy: an event that is still being sent must not keep the whole body.
		e.Payload = bytes.Clone(item.text)
		events = append(events, e)
	}
	accepted := a.Ingest.AcceptAll(r.Context(), events)
	for i := range results {
		if results[i].Err == nil {
			results[i], accepted = accepted[0], accepted[1:]
		}
	}
	return results
}

// keyOf is the key of one event of a request's: sent again, each is found by its
// place, also by itself at the door for a single event.
func keyOf(key string, place int) string { return key + "/" + strconv.Itoa(place) }

// statusOf is the status of an answer with those results. Where no event was
// accepted there is an error as well; a status of 0 says that the error is the
// whole answer, since it is not the events' fault.
func statusOf(results []ingest.Result) (int, error) {
	if slices.ContainsFunc(results, func(res ingest.Result) bool { return res.Err == nil }) {
		return http.StatusAccepted, nil
	}
	code := problem.CodeOf(results[0].Err)
	for _, res := range results {
		switch c := problem.CodeOf(res.Err); c {
		case problem.Unavailable, problem.Internal:
			return 0, res.Err
		case code:
		default:
			code = problem.Invalid
		}
	}
	return statuses[code], results[0].Err
}

// writeResults answers with what became of each event, by hand like writeReceipt.
func writeResults(w http.ResponseWriter, status int, results []ingest.Result) {
	failed := 0
	for _, res := range results {
		if res.Err != nil {
			failed++
		}
	}
	b := append(make([]byte, 0, 64+100*len(results)), `{"status":`...)
	b = strconv.AppendBool(b, failed == 0)
	b = append(b, `,"accepted":`...)
	b = strconv.AppendInt(b, int64(len(results)-failed), 10)
	b = append(b, `,"failed":`...)
	b = strconv.AppendInt(b, int64(failed), 10)
	b = append(b, `,"results":[`...)
	for i, res := range results {
		if i > 0 {
			b = append(b, ',')
		}
		if res.Err == nil {
			b = appendReceipt(b, res.Receipt)
			continue
		}
		p := problem.From(res.Err)
		b = append(b, `{"status":false,"code":"`...)
		b = append(b, p.Code...)
		b = append(b, `","message":`...)
		b = append(b, bytes.TrimSuffix(encoded(p.Message), []byte("\n"))...)
		b = append(b, '}')
	}
	b = append(b, "]}\n"...)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // an error means that nobody reads any more
}
