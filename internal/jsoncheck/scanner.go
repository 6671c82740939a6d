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

// begin goes to the first byte of the text's value.
func (s *scanner) begin() error {
	if len(s.text) >= 3 && string(s.text[:3]) == "\uFEFF" {
		return &Error{0, "begins with a byte order mark: leave it out"}
	}
	if s.space(); s.pos == len(s.text) {
		return &Error{0, "is empty: send a JSON value"}
	}
	return nil
}

// end is where the text must be over.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.text) {
		return &Error{s.pos, "goes on after its end: send one JSON value"}
	}
	return nil
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
			return s.fail(lacksInObject)
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
			return s.fail(lacksInArray)
		}
	}
}

// deep takes a value however deep it is nested. It keeps what is open in memory
// of its own and not in calls, which a hostile text could make too many.
func (s *scanner) deep() bool {
	var open []byte // what closes each
	for {
		if c := s.peek(); c != '{' && c != '[' {
			if !s.value(0) {
				return false
			}
		} else if s.pos++; s.peek() == c+2 { // the brackets' codes are two apart
			s.pos++
		} else {
			if c == '{' && !s.name() {
				return false
			}
			open = append(open, c+2)
			continue
		}
		more := false
		for !more { // a value has ended, and maybe what it lies in
			if len(open) == 0 {
				return true
			}
			last := open[len(open)-1]
			switch c := s.peek(); {
			case c == last:
				s.pos++
				open = open[:len(open)-1]
			case c == ',':
				s.pos++
				if last == '}' && !s.name() {
					return false
				}
				more = true
			case last == '}':
				return s.fail(lacksInObject)
			default:
				return s.fail(lacksInArray)
			}
		}
	}
}

const (
	lacksInObject = "lacks a , or a } in an object"
	lacksInArray  = "lacks a , or a ] in an array"
)

func (s *scanner) literal(word string) bool {
	if end := s.pos + len(word); end <= len(s.text) && string(s.text[s.pos:end]) == word {
		s.pos = end
		return true
	}
	return s.fail("has a word other than true, false and null")
}

// str takes a string from its opening quotation mark.
func (s *scanner) str() bool {
	for s.pos++; ; {
		text, pos := s.text, s.pos // in registers
		for pos < len(text) && plain[text[pos]] {
			pos++
		}
		if s.pos = pos; pos == len(text) {
			return s.fail("ends within a string")
		}
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
		default:
			r, size := utf8.DecodeRune(s.text[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return s.fail("is not UTF-8")
			}
			s.pos += size
		}
	}
}

// plain are the bytes that need no second look in a string: most are.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

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
