package enginetest

import (
	"errors"
	"sync"
	"time"

	"datapusher/workflows"
)

// answer is what a scripted delivery does at one call: an attempt with its
// result, or a failure of our own side.
type answer struct {
	state  workflows.State
	after  time.Duration
	status string
	result string
	err    error // our own side fails: no attempt
	panics bool  // likewise
	gate   *gate // the call lasts until it is opened
}

var errOwn = errors.New("our own side fails")

func succeeds() answer {
	return answer{state: workflows.Settled, status: "succeeded", result: "200"}
}

func fails(after time.Duration) answer {
	return answer{state: workflows.Again, after: after, status: "retrying", result: "503"}
}

func failsForGood() answer {
	return answer{state: workflows.Settled, status: "failed", result: "503"}
}

func staysOpen(after time.Duration) answer {
	return answer{state: workflows.Open, after: after, status: "delivering"}
}

func ownError() answer { return answer{err: errOwn} }

func ownPanic() answer { return answer{panics: true} }

func (a answer) at(g *gate) answer {
	a.gate = g
	return a
}

// turn is what a scripted loop does at one step.
type turn struct {
	again  time.Duration
	done   bool
	err    error
	gate   *gate
	behind func() // called when the step is about to return
}

// gate holds a call until the test opens it.
type gate struct {
	once sync.Once
	open chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) release() { g.once.Do(func() { close(g.open) }) }
