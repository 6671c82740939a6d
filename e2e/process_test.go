package e2e_test

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long anything in these tests may take that is not told to wait.
const patience = 90 * time.Second

// process is a program under test.
type process struct {
	cmd    *exec.Cmd
	output *output
	ended  chan struct{}
}

// output collects what a process prints and lets a test wait for a text.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

// start runs a program until the test ends.
func start(t *testing.T, path string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), output: &output{changed: make(chan struct{})}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = p.output, p.output, env
	p.cmd.WaitDelay = time.Second
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			text, _ := p.output.read()
			t.Logf("what %s printed:\n%s", path, text)
		}
	})
	return p
}

// waitFor returns when the process has printed a text.
func (p *process) waitFor(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		printed, changed := p.output.read()
		if strings.Contains(printed, text) {
			return printed
		}
		select {
		case <-changed:
		case <-p.ended:
			require.FailNow(t, "the program ended", "before it printed %q:\n%s", text, printed)
		case <-ctx.Done():
			require.FailNow(t, "the program did not print in time", "%q is missing in:\n%s", text, printed)
		}
	}
}

// stop ends the process as an operator does.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.kill()
	}
}

// kill ends the process without a warning.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// eventually asks until the answer is right.
func eventually(t *testing.T, ask func() bool, what string) {
	t.Helper()
	require.Eventually(t, ask, patience, 50*time.Millisecond, what)
}
