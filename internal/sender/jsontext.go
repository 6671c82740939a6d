package sender

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON that is known to be valid and gives the values as the
// bytes they are. encoding/json would decode them, and with that change numbers,
// the space inside nested values and what is not UTF-8.
type scanner struct {
	text []byte
	pos  int
}

// peek skips space and gives the next byte without taking it; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// value takes the next value and gives its text.
func (s *scanner) value() []byte {
	c, start := s.peek(), s.pos
	switch c {
	case '"':
		s.str()
	case '{', '[':
		s.nested()
	default:
		s.scalar()
	}
	return s.text[start:s.pos]
}

func (s *scanner) str() {
	for s.pos++; s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
}

func (s *scanner) nested() {
	for depth := 0; ; {
		switch s.text[s.pos] {
		case '"':
			s.str()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

func (s *scanner) scalar() {
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// unquote gives the text that a JSON string means. Bytes that are not UTF-8 stay
// what they are; half of a surrogate pair becomes U+FFFD, as there is no text
// for it.
func unquote(quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	at := bytes.IndexByte(s, '\\')
	if at < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:at]...)
	for i := at; i < len(s); {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		c := s[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			var r rune
			r, i = escaped(s, i)
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
	return out
}

// escaped reads the four digits of a \u escape at i, and the second half of a
// pair behind it, and gives the index of what follows.
func escaped(s []byte, i int) (rune, int) {
	r := hex4(s[i:])
	i += 4
	if !utf16.IsSurrogate(r) || i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return r, i
	}
	if pair := utf16.DecodeRune(r, hex4(s[i+2:])); pair != utf8.RuneError {
		return pair, i + 6
	}
	return r, i
}

func hex4(s []byte) rune {
	n, _ := strconv.ParseUint(string(s[:4]), 16, 32) // valid JSON has four digits here
	return rune(n)                                   //nolint:gosec // G115: four digits
}
