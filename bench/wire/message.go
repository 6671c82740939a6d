package wire

import (
	"bytes"
	"errors"
	"io"
)

const (
	maxHead = 64 << 10
	maxBody = 64 << 20
)

// ErrMalformed is what a peer that does not speak HTTP/1.1 gets.
var ErrMalformed = errors.New("wire: malformed message")

// ErrTooLarge is what a message of unreasonable size gets.
var ErrTooLarge = errors.New("wire: message too large")

// message is what requests and answers have in common. Its slices are valid until
// the next message of the connection.
type message struct {
	start   []byte // the first line
	headers []header
	body    []byte
}

type header struct{ name, value []byte }

// Header is the value of the first header with that name; nil where there is none.
func (m *message) Header(name string) []byte {
	for i := range m.headers {
		if equalFold(m.headers[i].name, name) {
			return m.headers[i].value
		}
	}
	return nil
}

// names reports whether a header is a list that names a token.
func (m *message) names(name, token string) bool {
	for i := range m.headers {
		if !equalFold(m.headers[i].name, name) {
			continue
		}
		rest, more := m.headers[i].value, true
		for more {
			var one []byte
			one, rest, more = bytes.Cut(rest, comma)
			if equalFold(bytes.TrimSpace(one), token) {
				return true
			}
		}
	}
	return false
}

var (
	comma    = []byte(",")
	emptyEnd = []byte("\r\n\r\n")
)

// readHead reads up to the empty line.
func (m *message) readHead(b *buffer) error {
	b.compact()
	searched, skipped := 0, false
	for {
		window := b.window()
		if !skipped { // empty lines ahead of a message are to be ignored
			for len(window) > 0 && (window[0] == '\r' || window[0] == '\n') {
				b.take(1)
				window = b.window()
			}
			skipped = len(window) > 0
		}
		if end := bytes.Index(window[searched:], emptyEnd); end >= 0 {
			n := searched + end
			if n > maxHead {
				return ErrTooLarge
			}
			b.take(n + len(emptyEnd))
			return m.parseHead(window[:n])
		}
		if len(window) > maxHead {
			return ErrTooLarge
		}
		searched = max(0, len(window)-len(emptyEnd)+1)
		if err := b.fill(); err != nil {
			if err == io.EOF && len(window) > 0 {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

func (m *message) parseHead(head []byte) error {
	m.headers, m.body = m.headers[:0], nil
	m.start, head = line(head)
	for len(head) > 0 {
		var l []byte
		l, head = line(head)
		colon := bytes.IndexByte(l, ':')
		if colon <= 0 {
			return ErrMalformed
		}
		m.headers = append(m.headers, header{name: l[:colon], value: trim(l[colon+1:])})
	}
	return nil
}

// line cuts a line off.
func line(b []byte) (first, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	first, rest = b[:i], b[i+1:]
	if i > 0 && b[i-1] == '\r' {
		first = b[:i-1]
	}
	return first, rest
}

// trim takes off the blanks that may stand around a value.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold compares with an ASCII name, whatever the case of either.
func equalFold(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(name[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// number reads digits alone.
func number(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
