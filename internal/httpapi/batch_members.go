package httpapi

import (
	"net/http"

	"datapusher/internal/ingest"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

const (
	keyMemberHeader  = "Idempotency-Key-Member"
	typeMemberHeader = "Event-Type-Member"
)

// members name the top-level members of a request's events that hold what is
// each one's own; "" is none. So a sender that collects events anew after a
// crash, in other groups, still sends each under its key.
type members struct{ key, eventType string }

// membersOf reads the names that the headers give.
func membersOf(h http.Header) (members, error) {
	var broken problem.Fields
	name := func(header string) string {
		switch names := h.Values(header); {
		case len(names) == 0:
		case len(names) > 1 || names[0] == "" || !isEventType(names[0]):
			broken.Add(header, "must be the name of one top-level member of each event, of at most %d characters", ingest.MaxEventType)
		default:
			return names[0]
		}
		return ""
	}
	m := members{key: name(keyMemberHeader), eventType: name(typeMemberHeader)}
	if m.key != "" && len(h.Values(idempotencyKeyHeader)) > 0 {
		broken.Add(keyMemberHeader, "must not come together with %s", idempotencyKeyHeader)
	}
	return m, broken.Err()
}

// describe takes what is the event's own from its payload. An event without a
// key of its own is refused: nothing would tell it when it comes again.
func (m members) describe(e *ingest.Event) error {
	if m.key != "" {
		key, n := member(e.Payload, m.key)
		if n != 1 || !isKey(key, ingest.MaxKey) {
			return problem.New(problem.Invalid, "the event must have one member %q, a string of 1 to %d visible ASCII characters or a number", m.key, ingest.MaxKey)
		}
		e.IdempotencyKey = key
	}
	if m.eventType != "" {
		switch kind, n := member(e.Payload, m.eventType); {
		case n == 0: // that of the header, if any
		case n > 1 || kind == "" || !isEventType(kind):
			return problem.New(problem.Invalid, "the event must have at most one member %q, a string of 1 to %d characters without control characters or a number", m.eventType, ingest.MaxEventType)
		default:
			e.EventType = kind
		}
	}
	return nil
}

// member is the text of a string or a number among an event's members, and how
// many of that name there are. Other values have no text.
func member(event []byte, name string) (text string, n int) {
	for each, value := range jsoncheck.Members(event) {
		if string(each) != name {
			continue
		}
		n++
		var isString bool
		if text, isString = jsoncheck.Text(value); !isString && (value[0] == '-' || '0' <= value[0] && value[0] <= '9') {
			text = string(value)
		}
	}
	return text, n
}
