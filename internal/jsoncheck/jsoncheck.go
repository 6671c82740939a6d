// Package jsoncheck checks JSON texts (RFC 8259) in one pass over the bytes,
// without building values, and takes objects apart into the bytes they are made
// of. What is accepted can be kept and forwarded byte for byte.
//
// The rules are those of the RFC's grammar, and these where it leaves a choice:
//
//   - The text is UTF-8 without a byte order mark. A \u escape may be half of a
//     surrogate pair or U+0000: escapes are not looked into.
//   - Arrays and objects are nested at most as deep as the caller says.
//   - Names in an object may be repeated, and numbers may have any size: nothing
//     here reads them, and whoever gets the bytes sees them as they were sent. A
//     door that reads members itself, with [Members], refuses those that it knows
//     and gets twice; which of them counts would depend on the reader.
package jsoncheck

import "fmt"

// MaxDepth is how deep an event may be nested: [[1]] has the depth 2. Common
// parsers on the way behind us stop not far above it.
const MaxDepth = 512

// Error says what is wrong with a text. It holds nothing of the text.
type Error struct {
	Offset int    // of the byte where it was noticed, from 0
	Reason string // such as "has no value"; its subject is the text
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (at byte offset %d)", e.Reason, e.Offset) }

// Check is nil when text is one JSON value, nested at most maxDepth deep, with
// nothing but space around it. Its errors are of type [*Error].
func Check(text []byte, maxDepth int) error {
	s := scanner{text: text, maxDepth: maxDepth}
	if err := s.begin(); err != nil {
		return err
	}
	if !s.value(0) {
		return s.broken
	}
	return s.end()
}
