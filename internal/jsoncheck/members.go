package jsoncheck

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"
)

// IsObject reports whether a text that [Check] accepts is an object.
func IsObject(text []byte) bool {
	s := scanner{text: text}
	return s.peek() == '{'
}

// Members gives the members of an object in their order, repeated names too: the
// name as it is meant and the bytes of the value, without the space around it.
// The text must be one that [Check] accepts; what is no object has no members.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		s := scanner{text: object, maxDepth: math.MaxInt}
		if s.peek() != '{' {
			return
		}
		for s.pos++; s.peek() == '"'; {
			start := s.pos
			s.str()
			name := unquote(s.text[start:s.pos])
			s.peek()
			s.pos++ // the colon
			s.peek()
			start = s.pos
			if !s.value(0) || !yield(name, s.text[start:s.pos]) {
				return
			}
			if s.peek() == ',' {
				s.pos++
			}
		}
	}
}

// Text gives what a JSON string means; false when the value is no string. Half
// of a surrogate pair becomes U+FFFD.
func Text(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	return string(unquote(value)), true
}

func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is a valid string
	return []byte(s)
}
