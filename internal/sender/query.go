package sender

import (
	"encoding/json"
	"net/url"
)

// query writes an event as a query string, after prefix (the URL's own query):
// the top-level members in their order, repeated ones included; strings plain,
// other values as their JSON text in the event. What is no object goes into
// "data". valid is false for what is not JSON. fits is false where it gave up
// because the whole would be longer than limit; it may still be longer than that.
func query(prefix string, event []byte, limit int) (q string, valid, fits bool) {
	if !json.Valid(event) {
		return "", false, false
	}
	w := writer{buf: append(make([]byte, 0, len(prefix)+2*min(len(event), limit)), prefix...), limit: limit}
	s := scanner{text: event}
	if s.peek() != '{' {
		w.add([]byte("data"), s.value())
		return string(w.buf), true, !w.full
	}
	s.pos++
	for s.peek() != '}' && !w.full {
		name := s.value()
		s.peek()
		s.pos++ // the colon
		w.add(name, s.value())
		if s.peek() == ',' {
			s.pos++
		}
	}
	return string(w.buf), true, !w.full
}

// writer appends pairs to a query string until no more fits below its limit.
type writer struct {
	buf   []byte
	limit int
	full  bool
}

func (w *writer) add(name, value []byte) {
	if len(w.buf) > 0 {
		w.buf = append(w.buf, '&')
	}
	w.text(name)
	w.buf = append(w.buf, '=')
	w.text(value)
}

// text appends a JSON string plain, anything else as it is, and both escaped.
func (w *writer) text(raw []byte) {
	plain := raw
	if raw[0] == '"' {
		plain = unquote(raw)
	}
	if len(w.buf)+len(plain) > w.limit { // escaping never shortens: spare the work on a large value
		w.full = true
		return
	}
	w.buf = append(w.buf, url.QueryEscape(string(plain))...)
}
