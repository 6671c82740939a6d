package sender

import (
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// DefaultTimeout is the deadline of a whole attempt where a request names none.
const DefaultTimeout = 15 * time.Second

// maxFinalURL is the longest URL that is sent, the event in it included. Many
// servers refuse more than 8 KiB in a request line.
const maxFinalURL = 8 * 1024

// Header is one header of a destination.
type Header struct{ Name, Value string }

// Masked stands for the value of a header that an owner configured, where it must
// not be shown: it is a secret as often as not.
const Masked = "••••"

// Merge puts an event's own headers beside a destination's: where both have a
// name, the event's wins. Neither list is changed.
func Merge(destination, own []Header) []Header {
	all := slices.DeleteFunc(slices.Clone(destination), func(h Header) bool {
		return slices.ContainsFunc(own, func(o Header) bool { return strings.EqualFold(o.Name, h.Name) })
	})
	return append(all, own...)
}

// Request is what one attempt is to send, and where. It is not changed.
type Request struct {
	EventID string // becomes webhook-id, the same for every attempt
	Method  string // one of Methods
	URL     string // what CheckURL accepts
	Headers []Header
	Payload []byte        // the event's exact bytes, not empty
	Keys    []Key         // the newest first; all of them sign; at least one
	Timeout time.Duration // of the whole attempt, the answer's body included; 0 means DefaultTimeout

	// AllowCIDRs are networks that are not public and that the account may reach
	// all the same, beside those of [Options].
	AllowCIDRs []netip.Prefix
}

// Message is the HTTP request that a [Request] becomes. net/http adds no more
// than Host and Content-Length.
type Message struct {
	Method string
	URL    *url.URL    // with the event in its query where the method is GET
	Header http.Header // names in canonical form
	Body   []byte      // nil where the method is GET
}

// Build makes the message of one attempt, signed with the time it is. It sends
// nothing. The class is "" or one that is permanent.
func (s *Sender) Build(r *Request) (Message, Class) {
	u, err := parseURL(r.URL)
	if err != nil || CheckMethod(r.Method) != nil || CheckHeaders(r.Headers) != nil ||
		!isEventID(r.EventID) ||
		len(r.Payload) == 0 || !canSign(r.Keys) {
		return Message{}, InvalidRequest
	}
	m := Message{Method: r.Method, URL: u, Body: r.Payload}
	content := r.Payload
	if r.Method == http.MethodGet {
		q, valid, fits := query(u.RawQuery, r.Payload, maxFinalURL)
		if !valid {
			return Message{}, InvalidRequest
		}
		u.RawQuery = q
		if !fits || len(u.String()) > maxFinalURL {
			return Message{}, URLTooLong
		}
		m.Body, content = nil, []byte(q)
	}
	m.Header = s.header(r, content)
	return m, ""
}

// isEventID reports whether an id can be sent and signed: a dot in it would be
// read as the end of it, so that two requests could have one signature.
func isEventID(s string) bool {
	return s != "" && httpguts.ValidHeaderFieldValue(s) && !strings.Contains(s, ".")
}

// header puts together the defaults, the destination's headers, which win over
// them, and the signature, which wins over both. content is what is signed: the
// body, or the query string where there is none.
func (s *Sender) header(r *Request, content []byte) http.Header {
	const most = 6 // defaults and signature
	h := make(http.Header, len(r.Headers)+most)
	values := make([]string, 0, len(r.Headers)+most) // one allocation for all of them
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("User-Agent", s.userAgent)
	set("Accept", "*/*")
	if r.Method != http.MethodGet {
		set("Content-Type", "application/json")
	}
	for _, own := range r.Headers {
		set(http.CanonicalHeaderKey(own.Name), textproto.TrimString(own.Value))
	}
	timestamp := strconv.FormatInt(s.now().Unix(), 10)
	set("Webhook-Id", r.EventID)
	set("Webhook-Timestamp", timestamp)
	set("Webhook-Signature", sign(r.Keys, r.EventID, timestamp, content))
	return h
}
