package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is where a command reads and writes. The program binds one for kong.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Color is whether Out shows colours, Live whether Err is looked at by a person:
	// progress bars and questions go there.
	Color, Live bool
}

// NewTerminal is the process's own.
func NewTerminal() *Terminal {
	return &Terminal{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Color: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Live:  isTerminal(os.Stderr),
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// The colours in use, as ECMA-48 numbers them.
const (
	red    = 31
	green  = 32
	yellow = 33
	blue   = 34
	gray   = 90
)

// paint colours a text where colours are shown.
func (t *Terminal) paint(color int, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", color, text)
}

// note tells a person something that is no result.
func (t *Terminal) note(format string, args ...any) { fmt.Fprintf(t.Err, format+"\n", args...) }

// errNotConfirmed ends a command that would not be undone.
var errNotConfirmed = errors.New("nothing was done: say yes to the question, or give --yes")

// confirm asks before something that is not undone. Without a person to ask it
// has to be said with --yes.
func (t *Terminal) confirm(yes bool, question string, args ...any) error {
	if yes {
		return nil
	}
	f, ok := t.In.(*os.File)
	if !ok || !isTerminal(f) || !t.Live {
		return errNotConfirmed
	}
	fmt.Fprintf(t.Err, question+" [y/N] ", args...)
	answer, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errNotConfirmed
	}
	return nil
}

// secret reads one line that must not be seen: from a terminal without echo,
// otherwise the first line of standard input.
func (t *Terminal) secret(prompt string) (string, error) {
	if f, ok := t.In.(*os.File); ok && isTerminal(f) {
		fmt.Fprint(t.Err, prompt+": ")
		line, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(t.Err)
		return strings.TrimSpace(string(line)), err
	}
	line, err := bufio.NewReader(t.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}
