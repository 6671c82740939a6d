package stack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a child that ends with this process, or before.
type process struct {
	cmd   *exec.Cmd
	log   string
	from  int64 // where in the log its own lines begin
	lines *bufio.Reader
	input io.Closer
	ended chan struct{}
}

// launch starts a program whose standard error goes to a file.
func launch(log string, env []string, program string, args ...string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // the child has its own
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...) //nolint:noctx // it is stopped in its own order
	cmd.Stderr, cmd.Env = f, env
	// Should this process die, its children must not stay behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{
		cmd: cmd, log: log, from: before.Size(), lines: bufio.NewReader(output), input: input, ended: make(chan struct{}),
	}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// json reads the line with which a program announces itself.
func (p *process) json(into any) error {
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return errors.Join(err, p.tail())
	}
	return decode(line, into)
}

// announced looks for the line with which Data Pusher says that it serves, or
// works, and gives its URL.
func (p *process) announced() (url string, ok bool) {
	text, err := os.ReadFile(p.log)
	if err != nil || int64(len(text)) < p.from {
		return "", false
	}
	for line := range bytes.Lines(text[p.from:]) {
		var said struct{ Msg, URL string }
		if decode(line, &said) == nil && (said.Msg == "serving" || said.Msg == "working") {
			return said.URL, true
		}
	}
	return "", false
}

// await asks until a program is ready.
func (p *process) await(ctx context.Context, ready func() (string, bool)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if url, ok := ready(); ok {
			return url, nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return "", errors.Join(errors.New("it ended"), p.tail())
		case <-ctx.Done():
			return "", errors.Join(ctx.Err(), p.tail())
		}
	}
}

// tail is the end of what it logged.
func (p *process) tail() error {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	return fmt.Errorf("the end of %s:\n%s", p.log, text[max(0, len(text)-2000):])
}

// stop ends the process as an operator does; one that does not end in a minute
// is killed.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	_ = p.input.Close()
}

// kill ends the process without a warning.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.input.Close()
}
