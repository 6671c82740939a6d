package jsoncheck

import "unicode/utf8"

// scanner walks over a text. Its methods take what their name says from pos on;
// false means that broken tells what is wrong.
type scanner struct {
	text     []byte
	pos      int
	maxDepth int
	broken   *Error
}

func (s *scanner) fail(reason string) bool {
	s.broken = &Error{s.pos, reason}
	return false
}

func (s *scanner) space() {
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
		default:
			return
		}
	}
}

// peek skips space and gives the next byte without taking it; 0 at the end,
// where no rule expects a NUL either.
func (s *scanner) peek() byte {
	s.space()
	return s.at()
}

// at is the byte at pos; 0 at the end.
func (s *scanner) at() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// value takes a value that lies within depth arrays and objects.
func (s *scanner) value(depth int) bool {
	switch c := s.peek(); c {
	case '{', '[':
		if depth >= s.maxDepth {
			return s.fail("is nested too deep")
		}
		s.pos++
		if c == '{' {
			return s.object(depth + 1)
		}
		return s.array(depth + 1)
	case '"':
		return s.str()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number()
	}
	return s.fail("lacks a value")
}

// object takes an object behind its opening brace.
func (s *scanner) object(depth int) bool {
	if s.peek() == '}' {
		s.pos++
		return true
	}
	for {
		if !s.name() || !s.value(depth) {
			return false
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return true
		default:
			return s.fail("lacks a , or a } in an object")
		}
	}
}

// name takes the name of a member, and the colon.
func (s *scanner) name() bool {
	if s.peek() != '"' {
		return s.fail("lacks a name in double quotes in an object")
	}
	if !s.str() {
		return false
	}
	if s.peek() != ':' {
		return s.fail("lacks a : behind a name")
	}
	s.pos++
	return true
}

// array takes an array behind its opening bracket.
func (s *scanner) array(depth int) bool {
	if s.peek() == ']' {
		s.pos++
		return true
	}
	for {
		if !s.value(depth) {
			return false
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return true
		default:
			return s.fail("lacks a , or a ] in an array")
		}
	}
}

func (s *scanner) literal(word string) bool {
	if end := s.pos + len(word); end <= len(s.text) && string(s.text[s.pos:end]) == word {
		s.pos = end
		return true
	}
	return s.fail("has a word other than true, false and null")
}

// str takes a string from its opening quotation mark.
func (s *scanner) str() bool {
	for s.pos++; s.pos < len(s.text); {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ':
			return s.fail("has a control character in a string: escape it")
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.text[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return s.fail("is not UTF-8")
			}
			s.pos += size
		}
	}
	return s.fail("ends within a string")
}

// escape takes what a backslash begins.
func (s *scanner) escape() bool {
	s.pos++
	switch s.at() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
		for range 4 {
			if !isHex(s.at()) {
				return s.fail("lacks one of four hexadecimal digits behind \\u")
			}
			s.pos++
		}
		return true
	}
	return s.fail("has a backslash that escapes nothing")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// number takes a number. What follows it is looked at by whoever asked for it.
func (s *scanner) number() bool {
	if s.at() == '-' {
		s.pos++
	}
	if s.at() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.at() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if c := s.at(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.at(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.at(); '0' <= c && c <= '9'; c = s.at() {
		s.pos++
	}
	if s.pos == start {
		return s.fail("lacks a digit in a number")
	}
	return true
}
