package rig

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"datapusher/bench/stack"
)

// Process is a Data Pusher: one "serve", "worker" or "serve --worker". Its methods
// inject a fault and note it; a scenario calls those of one process from one
// goroutine at a time.
type Process struct {
	Name string
	// Command is what the next Start starts: a scenario may change arguments,
	// environment and program.
	Command stack.Command
	// MayEnd is whether it may end by itself, as at a failpoint. Who lets it do so
	// notes that with NoteEnd when Ended is closed.
	MayEnd bool

	rig    *Rig
	door   string // URL; "" where it does not serve
	works  bool
	mu     sync.Mutex
	server *stack.Server
	ended  bool   // by a fault
	goOn   func() // ends the fault of a process that stands still
}

// endTimeout is how long a process that was told to end may take.
const endTimeout = time.Minute

var errNotRunning = errors.New("it does not run")

// Kill ends the process without a warning, as SIGKILL does.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return fmt.Errorf("kill %s: %w", p.Name, errNotRunning)
	}
	if p.goOn != nil {
		p.goOn()
	}
	defer p.rig.inject("kill "+p.Name, p.works, p.server.PID())()
	p.server.Kill()
	p.ended, p.goOn = true, nil
	return nil
}

// Stop has the process stand still, as SIGSTOP does, until Continue.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() || p.goOn != nil {
		return fmt.Errorf("stop %s: %w", p.Name, errNotRunning)
	}
	p.goOn = p.rig.inject("stop "+p.Name, p.works, p.server.PID())
	return p.server.Signal(syscall.SIGSTOP)
}

// Continue lets a process go on that stands still.
func (p *Process) Continue() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.goOn == nil {
		return nil
	}
	err := p.server.Signal(syscall.SIGCONT)
	p.goOn()
	p.goOn = nil
	return err
}

// Terminate tells the process to end, as SIGTERM does, and waits for that. One
// that does not end in order breaks a rule.
func (p *Process) Terminate() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return fmt.Errorf("terminate %s: %w", p.Name, errNotRunning)
	}
	defer p.rig.inject("terminate "+p.Name, false, p.server.PID())()
	p.end()
	p.ended = true
	return nil
}

// end ends the process in order.
func (p *Process) end() {
	_ = p.server.Signal(syscall.SIGTERM) // fails where it has ended, and then its code tells
	select {
	case <-p.server.Ended():
		if code := p.server.ExitCode(); code != 0 {
			p.rig.unclean(fmt.Sprintf("%s ended with exit code %d", p.Name, code))
		}
	case <-time.After(endTimeout):
		p.rig.unclean(fmt.Sprintf("%s did not end within %s", p.Name, endTimeout))
		p.server.Kill()
	}
}

// Start starts a process that does not run, as a supervisor does: again and again
// until it stands. One that runs stays as it is.
func (p *Process) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wonder()
	for !p.running() {
		server, err := p.rig.start(ctx, p.Command)
		if err == nil {
			p.server, p.ended = server, false
			return nil
		}
		if !pause(ctx, time.Second) {
			return fmt.Errorf("start %s: %w", p.Name, err)
		}
	}
	return nil
}

// NoteEnd notes that a process that may end has done so.
func (p *Process) NoteEnd(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rig.inject(name+" "+p.Name, p.works, p.server.PID())()
}

// wonder notes that a process has ended that nothing has ended.
func (p *Process) wonder() {
	if !p.running() && !p.ended && !p.MayEnd {
		p.rig.unclean(fmt.Sprintf("%s has ended by itself, with exit code %d", p.Name, p.server.ExitCode()))
		p.ended = true
	}
}

// Running reports whether the process is there; one that stands still is.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

// Ended is closed when the process has ended: a failpoint may end it by itself.
func (p *Process) Ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server.Ended()
}

// PID is the process's id.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server.PID()
}

// URL is the door of a process that serves.
func (p *Process) URL() string { return p.door }

func (p *Process) running() bool {
	if p.server == nil {
		return false
	}
	select {
	case <-p.server.Ended():
		return false
	default:
		return true
	}
}
