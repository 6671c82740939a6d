package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"datapusher/workflows"
)

// ledger is the database of the suite: what the cores of all the processes of
// one case share. It plays the scripts and records every call.
type ledger struct {
	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, at every change
	runs    map[string]*run
	loops   map[string][]turn
	record  []call
	broken  []string // what an engine should not have done
}

type run struct {
	errs       []answer // what First fails with, before anything else
	deliveries []*delivery
}

type delivery struct {
	id       string
	script   []answer
	attempts int
	due      time.Time // of the next attempt
	last     workflows.Outcome
	moved    bool // belongs to another run by now
}

// call is one call of an engine.
type call struct {
	process  string
	kind     string // first, attempt (one was made), early (it was not due), own (our side failed), step
	run      string // or loop
	delivery string
	number   int // of the attempt, or of the step
	begun    time.Time
	due      time.Time
	over     bool
	canceled bool // the context had ended when the call was over
}

func newLedger() *ledger {
	return &ledger{changed: make(chan struct{}), runs: map[string]*run{}, loops: map[string][]turn{}}
}

// add scripts a run.
func (l *ledger) add(id string, deliveries ...*delivery) {
	l.update(func() { l.runs[id] = &run{deliveries: deliveries} })
}

func scripted(id string, script ...answer) *delivery {
	return &delivery{id: id, script: script}
}

// loop scripts a loop. Once the script is over its steps say that it is done.
func (l *ledger) loop(id string, turns ...turn) {
	l.update(func() { l.loops[id] = turns })
}

func (l *ledger) update(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// begin records that a call begins, and returns its place. The lock is held.
func (l *ledger) begin(c call) int {
	c.begun = time.Now()
	l.record = append(l.record, c)
	return len(l.record) - 1
}

// next takes the next answer of a delivery's script. The lock is held.
func (l *ledger) next(d *delivery) answer {
	if len(d.script) == 0 {
		l.broken = append(l.broken, d.id+" was called once more than its script has answers")
		return failsForGood()
	}
	next := d.script[0]
	d.script = d.script[1:]
	return next
}

// count says how many calls of a kind there were; "" stands for any run or
// delivery. The lock is held, as it is in what until waits for.
func (l *ledger) count(kind, run, delivery string) int {
	return len(l.find(kind, run, delivery))
}

// find returns those calls. The lock is held.
func (l *ledger) find(kind, run, delivery string) []call {
	var found []call
	for _, c := range l.record {
		if c.kind == kind && (run == "" || c.run == run) && (delivery == "" || c.delivery == delivery) {
			found = append(found, c)
		}
	}
	return found
}

// made is find for those who do not hold the lock.
func (l *ledger) made(kind, run, delivery string) []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(kind, run, delivery)
}

func (l *ledger) delivery(run, id string) *delivery {
	r, ok := l.runs[run]
	if !ok {
		return nil
	}
	at := slices.IndexFunc(r.deliveries, func(d *delivery) bool { return d.id == id })
	if at < 0 {
		return nil
	}
	return r.deliveries[at]
}

// String is the story so far, for a test that fails.
func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, c := range l.record {
		fmt.Fprintf(&b, "%s %s: %s %s %s", c.begun.Format("05.000"), c.process, c.kind, c.run, c.delivery)
		if c.number > 0 {
			fmt.Fprintf(&b, " number %d", c.number)
		}
		if !c.over {
			b.WriteString(" (going on)")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
