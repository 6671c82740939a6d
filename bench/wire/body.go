package wire

import (
	"bytes"
	"io"
)

// bodyKind is how the end of a body is told.
type bodyKind int

const (
	counted bodyKind = iota
	chunked
	untilEOF
)

// bodyOf reads of the headers how long the body is. absent is the kind where they
// say nothing.
func (m *message) bodyOf(absent bodyKind) (kind bodyKind, n int, err error) {
	if coding := m.Header("Transfer-Encoding"); coding != nil {
		if !equalFold(coding, "chunked") {
			return 0, 0, ErrMalformed
		}
		return chunked, 0, nil
	}
	length := m.Header("Content-Length")
	if length == nil {
		return absent, 0, nil
	}
	n, ok := number(length)
	if !ok {
		return 0, 0, ErrMalformed
	}
	if n > maxBody {
		return 0, 0, ErrTooLarge
	}
	return counted, n, nil
}

// readBody reads the body into the connection's buffer, or where it comes in
// pieces into spare, which is given back to be used again.
func (m *message) readBody(b *buffer, kind bodyKind, n int, spare []byte) ([]byte, error) {
	switch kind {
	case chunked:
		spare, err := readChunks(b, spare[:0])
		m.body = spare
		return spare, err
	case untilEOF:
		for {
			err := b.fill()
			if err == io.EOF {
				m.body = b.take(b.w - b.r)
				return spare, nil
			}
			if err != nil {
				return spare, err
			}
			if b.w-b.r > maxBody {
				return spare, ErrTooLarge
			}
		}
	case counted:
		if err := b.need(n); err != nil {
			return spare, err
		}
		m.body = b.take(n)
	}
	return spare, nil
}

// readChunks appends a chunked body and drops its trailers.
func readChunks(b *buffer, to []byte) ([]byte, error) {
	for {
		l, err := b.line()
		if err != nil {
			return to, err
		}
		size, err := chunkSize(l)
		if err != nil {
			return to, err
		}
		if size == 0 {
			break
		}
		if len(to)+size > maxBody {
			return to, ErrTooLarge
		}
		if err := b.need(size + 2); err != nil {
			return to, err
		}
		to = append(to, b.take(size)...)
		if end := b.take(2); end[0] != '\r' || end[1] != '\n' {
			return to, ErrMalformed
		}
	}
	for {
		l, err := b.line()
		if err != nil || len(l) == 0 {
			return to, err
		}
	}
}

func chunkSize(l []byte) (int, error) {
	digits, _, _ := bytes.Cut(l, []byte(";"))
	digits = trim(digits)
	if len(digits) == 0 || len(digits) > 8 {
		return 0, ErrMalformed
	}
	n := 0
	for _, c := range digits {
		c = lower(c)
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		default:
			return 0, ErrMalformed
		}
	}
	return n, nil
}

// line waits for a line and takes it.
func (b *buffer) line() ([]byte, error) {
	for searched := 0; ; {
		if i := bytes.IndexByte(b.window()[searched:], '\n'); i >= 0 {
			l, _ := line(b.take(searched + i + 1))
			return l, nil
		}
		searched = b.w - b.r
		if searched > maxHead {
			return nil, ErrTooLarge
		}
		if err := b.fill(); err != nil {
			if err == io.EOF {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}
