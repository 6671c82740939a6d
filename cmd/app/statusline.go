package app

import (
	"fmt"
	"io"
	"os"
	"time"
)

// statusLine tells how far something is: on a terminal in one line that changes,
// elsewhere in a line now and then.
type statusLine struct {
	to   io.Writer
	live bool
	said time.Time
	open bool // the line has no end yet
}

// The times between two lines, and between two changes of the one on a terminal.
const (
	progressEvery = 2 * time.Second
	liveEvery     = 100 * time.Millisecond
)

func newStatusLine(to io.Writer) *statusLine {
	f, isFile := to.(*os.File)
	return &statusLine{to: to, live: isFile && isTerminal(f), said: time.Now()}
}

func (s *statusLine) tell(format string, args ...any) {
	every := progressEvery
	if s.live {
		every = liveEvery
	}
	now := time.Now()
	if now.Sub(s.said) < every {
		return
	}
	s.said = now
	text := fmt.Sprintf(format, args...)
	if s.live {
		fmt.Fprintf(s.to, "\r\x1b[K%s", text)
		s.open = true
		return
	}
	fmt.Fprintln(s.to, text)
}

// end leaves an empty line for what comes next.
func (s *statusLine) end() {
	if s.open {
		fmt.Fprint(s.to, "\r\x1b[K")
		s.open = false
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
