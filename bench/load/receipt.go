package load

import (
	"bytes"
	"iter"

	"datapusher/bench/load/ledger"
)

// receipt reads the id of the one event that an answer is about.
func receipt(answer []byte) (ledger.ID, bool) {
	for name, value := range members(answer) {
		if string(name) == `"event_id"` {
			return unquote(value)
		}
	}
	return ledger.ID{}, false
}

// receipts reads a batch's answer: for each event its id, or that it was refused.
func receipts(answer []byte) iter.Seq2[ledger.ID, bool] {
	return func(yield func(ledger.ID, bool) bool) {
		for name, value := range members(answer) {
			if string(name) != `"results"` {
				continue
			}
			for one := range elements(value) {
				var id ledger.ID
				var accepted, named bool
				for name, value := range members(one) {
					switch string(name) {
					case `"status"`:
						accepted = string(value) == "true"
					case `"event_id"`:
						id, named = unquote(value)
					}
				}
				if !yield(id, accepted && named) {
					return
				}
			}
		}
	}
}

func unquote(value []byte) (ledger.ID, bool) {
	if len(value) < 2 {
		return ledger.ID{}, false
	}
	return ledger.ParseID(value[1 : len(value)-1]) // an id needs no escaping
}

// members gives the names, in quotes, and values of a JSON object, up to where it
// is none. The answers are many, and their JSON is a server's, so it is cut, not
// checked.
func members(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		rest, ok := open(b, '{')
		for ok {
			var name, value []byte
			name, rest = cut(rest)
			if rest, ok = open(rest, ':'); !ok {
				return
			}
			value, rest = cut(rest)
			if len(value) == 0 || !yield(name, value) {
				return
			}
			rest, ok = open(rest, ',')
		}
	}
}

// elements gives the values of a JSON array.
func elements(b []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		rest, ok := open(b, '[')
		for ok {
			var value []byte
			value, rest = cut(rest)
			if len(value) == 0 || !yield(value) {
				return
			}
			rest, ok = open(rest, ',')
		}
	}
}

// open takes one character, and blanks before it, off.
func open(b []byte, c byte) ([]byte, bool) {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || b[0] != c {
		return b, false
	}
	return b[1:], true
}

// cut takes a value off; an empty one where there is none.
func cut(b []byte) (value, rest []byte) {
	b = bytes.TrimLeft(b, " \t\r\n")
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return bytes.TrimRight(b[:i], " \t\r\n"), b[i:]
			}
			depth--
		case ',', ':':
			if depth == 0 {
				return bytes.TrimRight(b[:i], " \t\r\n"), b[i:]
			}
		}
	}
	return b, nil
}
