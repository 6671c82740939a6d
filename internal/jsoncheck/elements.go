package jsoncheck

// Elements takes an array apart in one pass that checks it as well: element gets
// the bytes of each element in their order, without the space around them, until
// it returns false, which ends the pass. An element that is nested more than
// maxDepth deep comes with the error that [Check] has for it; everything else
// that is wrong makes the whole text no array, which is known only in the end:
// then the error is of type [*Error].
func Elements(text []byte, maxDepth int, element func(text []byte, broken error) bool) error {
	s := scanner{text: text, maxDepth: maxDepth}
	if err := s.begin(); err != nil {
		return err
	}
	if s.at() != '[' {
		return &Error{s.pos, "is no array: begin it with ["}
	}
	s.pos++
	if s.peek() == ']' {
		s.pos++
		return s.end()
	}
	for {
		s.space()
		start := s.pos
		var broken error
		if !s.value(0) {
			broken = &Error{s.broken.Offset - start, s.broken.Reason}
			if s.pos = start; !s.deep() {
				return s.broken // not only too deep
			}
		}
		if !element(s.text[start:s.pos], broken) {
			return nil
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return s.end()
		default:
			return &Error{s.pos, lacksInArray}
		}
	}
}
