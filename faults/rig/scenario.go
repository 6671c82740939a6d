package rig

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"datapusher/faults/check"
)

// Scenario is a way to break things under load. This is one:
//
//	rig.Scenario{
//		Name: "kill-worker", Fault: "SIGKILL of a worker, ten times",
//		Run: func(ctx context.Context, r *rig.Rig) error {
//			for range 10 {
//				if err := r.SleepBetween(ctx, 100*time.Millisecond, time.Second); err != nil {
//					return err
//				}
//				p := r.Pick(r.Workers)
//				if err := errors.Join(p.Kill(), p.Start(ctx)); err != nil {
//					return err
//				}
//			}
//			return nil
//		},
//	}
//
// It begins under load, after a while without faults. Processes, Postgres and
// Temporal inject and note their faults themselves; whatever else a scenario does
// it notes with [Rig.Inject]. When it returns, what it has left stopped is started
// again: that is when the faults end. Then the load ends, what waits has to drain
// by itself, everything is told to stop, and the three ledgers are compared.
type Scenario struct {
	Name    string
	Fault   string   // what is injected, for people
	Engines []string // with which it makes sense; all if nil
	Plan    Plan
	Run     func(ctx context.Context, r *Rig) error
	// Drain is how long nothing of what waits may have moved; that of the options if zero.
	Drain time.Duration
	// Latency has the p99 of destinations that are well compared: of what was sent
	// while Run went on with the Baseline before it (10 s if zero).
	Latency  bool
	Baseline time.Duration
	// Quiet is how long everything stays up when nothing waits any more, so that what
	// comes too late comes; 1 s if zero. Whoever looks for copies waits as long as it
	// takes until work is taken up again.
	Quiet time.Duration
	// NoCuts is whether no sender's connection may be cut.
	NoCuts bool
	// Check adds what only this scenario can say, when all has ended; an error is a
	// violation.
	Check func(ctx context.Context, r *Rig) error
}

// Result is what came of a scenario.
type Result struct {
	Scenario string         `json:"scenario"`
	Fault    string         `json:"fault"`
	Engine   string         `json:"engine"`
	Seed     uint64         `json:"seed"`
	Injected int            `json:"injected"`
	Recover  float64        `json:"recover_s"` // from the end of the faults until nothing waited
	Took     float64        `json:"took_s"`
	Dir      string         `json:"dir,omitempty"`     // of logs and ledgers, where they are kept
	NotRun   string         `json:"not_run,omitempty"` // why it could not be run, and nothing else is known
	Faults   map[string]int `json:"faults,omitempty"`
	check.Verdict
}

const (
	warmUp          = 2 * time.Second
	defaultBaseline = 10 * time.Second
	// settling is how long the load goes on before a baseline is taken: servers that
	// have just started are slower.
	settling     = 10 * time.Second
	defaultDrain = 3 * time.Minute
	// tail is how long the load goes on when the faults have ended.
	tail = time.Second
	// defaultQuiet is that of scenarios that do not say.
	defaultQuiet = time.Second
	// look is how often somebody looks whether something waits.
	look = 100 * time.Millisecond
	// restoring is how long it may take until everything stands again.
	restoring = 2 * time.Minute
)

// Fits reports whether the scenario makes sense with an engine.
func (s Scenario) Fits(engine string) bool {
	return s.Engines == nil || slices.Contains(s.Engines, engine)
}

// Run runs a scenario. An error is that it could not be run; whether something is
// wrong says the result.
func Run(ctx context.Context, s Scenario, o Options) (result Result, err error) {
	began := time.Now()
	r, err := stand(ctx, s.Plan, o)
	if err != nil {
		return result, fmt.Errorf("%s: %w", s.Name, err)
	}
	defer r.close()
	facts, recovered, err := r.run(ctx, s)
	if err != nil {
		return result, fmt.Errorf("%s: %w", s.Name, err)
	}
	result = Result{
		Scenario: s.Name, Fault: s.Fault, Engine: o.Engine, Seed: o.Seed, Injected: len(facts.Faults), Recover: recovered.Seconds(),
		Faults: map[string]int{}, Verdict: check.Check(facts),
	}
	for _, f := range facts.Faults {
		result.Faults[f.Name]++
	}
	if s.Check != nil {
		if err := s.Check(ctx, r); err != nil {
			result.Violations = append(result.Violations, check.Violation{Rule: s.Name, What: err.Error()})
		}
	}
	result.Took = time.Since(began).Seconds()
	return result, nil
}

// run lets the scenario happen and gathers the facts.
func (r *Rig) run(ctx context.Context, s Scenario) (f check.Facts, recovered time.Duration, err error) {
	f.NoCuts = s.NoCuts
	f.Bound = cmp.Or(s.Drain, r.o.Drain, defaultDrain)
	r.senders.start(ctx)
	if err := r.Sleep(ctx, warmUp); err != nil {
		return f, 0, err
	}
	if s.Latency {
		if err := r.Sleep(ctx, settling); err != nil {
			return f, 0, err
		}
		f.Baseline.From = time.Now()
		if err := r.Sleep(ctx, cmp.Or(s.Baseline, defaultBaseline)); err != nil {
			return f, 0, err
		}
		f.Baseline.To = time.Now()
		f.Measured.From = f.Baseline.To
	}
	if err := s.Run(ctx, r); err != nil && !r.brokeOff(ctx, err) {
		return f, 0, err
	}
	if s.Latency {
		f.Measured.To = time.Now()
	}
	restoreCtx, cancel := context.WithTimeout(ctx, restoring)
	defer cancel()
	if err := r.restore(restoreCtx); err != nil {
		return f, 0, fmt.Errorf("start everything again: %w", err)
	}
	ended := time.Now()
	r.say("%8.2fs the faults have ended", ended.Sub(r.began).Seconds())
	recovered, drained, err := r.drain(ctx, ended, f.Bound)
	if err != nil {
		return f, 0, err
	}
	f.Drained = drained
	if err := r.Sleep(ctx, cmp.Or(s.Quiet, defaultQuiet)); err != nil {
		return f, 0, err
	}
	r.stop()
	return r.gather(ctx, f, recovered)
}

// brokeOff reports whether a scenario could not go on since a process of ours has ended
// by itself: that is what was looked for, and the ledgers are compared all the same.
func (r *Rig) brokeOff(ctx context.Context, err error) bool {
	before := len(r.endless)
	for _, p := range r.processes {
		p.mu.Lock()
		p.wonder()
		p.mu.Unlock()
	}
	if ctx.Err() != nil || len(r.endless) == before {
		return false
	}
	r.unclean(err.Error())
	return true
}

// drain waits until nothing waits any more, and tells how long what was accepted
// before the end of the faults has taken. It waits on as long as what waits gets
// less: how fast that goes is the machine's business.
func (r *Rig) drain(ctx context.Context, ended time.Time, bound time.Duration) (recovered time.Duration, drained bool, err error) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		pause(ctx, tail)
		r.senders.finish(bound)
	}()
	defer func() { <-finished }()
	until := ended
	least, moved := math.MaxInt, time.Now()
	for time.Since(moved) < bound {
		var n int
		switch n, err = r.waiting(ctx, until); {
		case err != nil: // the database may need a moment
		case n == 0 && recovered > 0:
			return recovered, true, nil
		case n == 0:
			recovered = time.Since(ended)
			<-finished
			until = time.Now().Add(time.Hour) // all of it
			least, moved = math.MaxInt, time.Now()
		case n < least:
			least, moved = n, time.Now()
		}
		if !pause(ctx, look) {
			return 0, false, ctx.Err()
		}
	}
	if recovered == 0 {
		recovered = time.Since(ended)
	}
	return recovered, false, err
}

// gather reads the three ledgers.
func (r *Rig) gather(ctx context.Context, f check.Facts, recovered time.Duration) (check.Facts, time.Duration, error) {
	err := errors.Join(r.senders.close(), r.receiver.close())
	if failure := r.senders.failure.Load(); failure != nil {
		err = errors.Join(err, *failure)
	}
	if err != nil {
		return f, 0, err
	}
	if f.Sent, err = readJournal[check.Sent](r.file("sent")); err != nil {
		return f, 0, err
	}
	if f.Received, err = readJournal[check.Received](r.file("received")); err != nil {
		return f, 0, err
	}
	for i := range f.Received {
		f.Received[i].PID = r.receiver.peers.of(f.Received[i].Connection)
	}
	if f.Events, f.Deliveries, err = r.stored(ctx); err != nil {
		return f, 0, err
	}
	for _, d := range r.Destinations {
		timeout, _ := time.ParseDuration(d.Timeout) // Data Pusher has taken it, or there is none
		f.Destinations = append(f.Destinations, check.Destination{
			ID: d.ID, Account: d.account, Name: d.Name, Timeout: timeout, Lost: d.Lost, Well: d.Well,
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Faults, f.Unclean = slices.Clone(r.faults), slices.Clone(r.endless)
	return f, recovered, r.keep(f)
}

// keep writes down what the ledgers beside it do not have: the database is gone at
// the end.
func (r *Rig) keep(f check.Facts) error {
	f.Sent, f.Received = nil, nil
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.o.Dir, "facts.json"), text, 0o600)
}
