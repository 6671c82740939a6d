package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"datapusher/bench/history"
	"datapusher/bench/load"
	"datapusher/bench/sink"
	"datapusher/bench/stack"
)

// scene is everything that stands for one workload.
type scene struct {
	*bench
	Workload
	stack    *stack.Stack
	receiver *receiver
	servers  map[string]*stack.Server
	door     string // URL
	tokens   string // file
	accepted string // file
	senders  []sender
	expected []sink.Expectation
	ids      []history.Destination
	kinds    int // destinations of an event that answer
	dir      string
}

// sender is an account with its token.
type sender struct{ account, token string }

// newScene starts what a shape needs, up to the receiver.
func newScene(ctx context.Context, b *bench, w Workload) (_ *scene, err error) {
	s := &scene{bench: b, Workload: w, servers: make(map[string]*stack.Server), dir: filepath.Join(b.dir, w.Name)}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	s.tokens, s.accepted = filepath.Join(s.dir, "tokens"), filepath.Join(s.dir, "accepted")
	if s.stack, err = stack.New(b.programs, s.dir); err != nil {
		return nil, err
	}
	s.stack.Statements = b.profiles != ""
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.receiver, err = startReceiver(); err != nil {
		return nil, err
	}
	s.stack.Add("receiver", s.receiver.cmd)
	if w.Shape == Standalone {
		return s, nil
	}
	if err := s.stack.StartPostgres(ctx); err != nil {
		return nil, err
	}
	if w.Shape.temporal() {
		err = s.stack.StartTemporal(ctx)
	}
	return s, err
}

func (s *scene) close() {
	s.stack.Close()
	if s.receiver != nil {
		s.receiver.close()
	}
	if !s.keep {
		_ = os.RemoveAll(s.dir)
	}
}

// serve starts Data Pusher.
func (s *scene) serve(ctx context.Context) (err error) {
	start := func(name string, args ...string) error {
		one, err := s.stack.Serve(ctx, name, append(append(args, s.Serve...), s.bench.serve...)...)
		s.servers[name] = one
		return err
	}
	front := "serve --worker"
	switch s.Shape {
	case Standalone:
		front = "standalone"
		s.servers[front], err = s.stack.Standalone(ctx, front, append(slices.Clone(s.Serve), s.bench.serve...)...)
	case Split:
		if front, err = "serve", start("serve", "serve", "--migrate"); err == nil {
			err = start("worker", "worker")
		}
	case River:
		err = start(front, "serve", "--worker", "--migrate", "--engine=river")
	default:
		err = start(front, "serve", "--worker", "--migrate")
	}
	if err != nil {
		return err
	}
	s.door = s.servers[front].URL
	return nil
}

// populate makes the accounts and destinations through the API.
func (s *scene) populate(ctx context.Context) error {
	operator := stack.API{URL: s.door, Token: s.stack.AdminToken}
	var tokens strings.Builder
	index := uint32(0)
	for a := range max(s.Accounts, 1) {
		id, token, err := operator.CreateAccount(ctx, fmt.Sprintf("bench-%d", a))
		if err != nil {
			return err
		}
		s.senders = append(s.senders, sender{id, token})
		weight := 1
		if a == 0 && s.Heavy > 0 {
			weight = s.Heavy
		}
		fmt.Fprintf(&tokens, "%s:%d\n", token, weight)
		x := sink.Expectation{Accepted: s.accepted, Accounts: []uint32{uint32(a)}}
		s.kinds = 0
		for _, kind := range s.Destinations {
			if a == 0 && s.Accounts == fairAccounts {
				kind = "slow/0s" // answers at once too, and its latencies are apart
			}
			to := stack.DestinationInput{AccountID: id, URL: fmt.Sprintf("%s/%s/%d", s.receiver.URL, kind, index)}
			destination, _, err := operator.CreateDestination(ctx, to)
			if err != nil {
				return err
			}
			s.ids = append(s.ids, history.Destination{AccountID: id, ID: destination})
			if kind != "dead" { // what is dead gets what it gets
				s.kinds++
				x.Destinations = append(x.Destinations, index)
			}
			index++
		}
		s.expected = append(s.expected, x)
	}
	if len(s.expected) == 1 {
		s.expected[0].Accounts = nil
	}
	return os.WriteFile(s.tokens, []byte(tokens.String()), 0o600)
}

// arguments of the generator.
func (s *scene) arguments(duration time.Duration) []string {
	door := s.door + "/server/incoming_data"
	if s.Batch > 0 {
		door += "/batch"
	}
	args := []string{"-url", door, "-tokens", s.tokens, "-accepted", s.accepted, "-warmup", warmup.String(), "-duration", duration.String()}
	for name, n := range map[string]int{"-size": s.Size, "-batch": s.Batch, "-connections": s.Connections} {
		if n > 0 {
			args = append(args, name, strconv.Itoa(n))
		}
	}
	if s.Rate > 0 {
		args = append(args, "-rate", strconv.FormatFloat(s.Rate, 'f', -1, 64))
	}
	return args
}

// ready is a scene that takes events.
func ready(ctx context.Context, b *bench, w Workload) (*scene, error) {
	s, err := newScene(ctx, b, w)
	if err != nil {
		return nil, err
	}
	if err = s.serve(ctx); err == nil {
		err = s.populate(ctx)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// measure runs a workload on a stack of its own.
func measure(ctx context.Context, b *bench, w Workload) (*Row, error) {
	s, err := ready(ctx, b, w)
	if err != nil {
		return nil, err
	}
	defer s.close()
	row, err := s.push(ctx, b.duration)
	if err != nil {
		return nil, err
	}
	if w.Shape == NoTemporal {
		if err := s.stack.StartTemporal(ctx); err != nil {
			return nil, err
		}
	}
	return row, s.check(ctx, row)
}

// push sends the workload and measures until all of it has arrived.
func (s *scene) push(ctx context.Context, duration time.Duration) (*Row, error) {
	var on *watcher
	if s.Watchers > 0 {
		var err error
		if on, err = s.watch(); err != nil {
			return nil, err
		}
		defer on.close()
	}
	g, err := startGenerator(ctx, s.arguments(duration))
	if err != nil {
		return nil, err
	}
	s.stack.Add("generator", g.cmd)
	if l, err := g.line(); err != nil || !l.Measuring {
		return nil, fmt.Errorf("the generator says %+v: %w", l, err)
	}
	if err := on.reset(); err != nil {
		return nil, err
	}
	m, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	if s.profiles != "" {
		go s.profile(ctx, duration)
	}
	result, err := g.result()
	if err != nil {
		return nil, err
	}
	row := rowOf(result)
	if err := m.delivered(ctx, row, result); err != nil {
		return nil, err
	}
	if err := m.drain(ctx, row, (result.Events+result.Warmup.Events)*int64(s.kinds)); err != nil {
		return nil, err
	}
	if err := m.end(ctx, row); err != nil {
		return nil, err
	}
	row.Watched, err = on.heard()
	return row, err
}

func rowOf(r *load.Result) *Row {
	failed := r.Errors + r.Unsent
	for _, n := range r.Statuses {
		failed += n
	}
	return &Row{
		Accepted: r.Events, Shed: r.Shed, RetryAfter: r.RetryAfter, Failed: failed,
		AcceptedPS: r.PerSecond, Ingest: r.Latency,
	}
}

// check compares what was accepted with what arrived.
func (s *scene) check(ctx context.Context, row *Row) error {
	if len(s.Destinations) == 0 {
		return nil
	}
	var sum sink.Verdict
	for _, x := range s.merged() {
		v, err := s.receiver.check(ctx, x)
		if err != nil {
			return err
		}
		sum.Accepted += v.Accepted
		sum.Missing += v.Missing
		sum.Duplicates += v.Duplicates
		sum.Unexpected += v.Unexpected
		sum.Uncertain += v.Uncertain
		sum.Examples = append(sum.Examples, v.Examples...)
	}
	row.Check = &sum
	return nil
}

// merged are the expectations to check: a thousand accounts are looked at by
// one in fifty, since each look is one at the whole file.
func (s *scene) merged() []sink.Expectation {
	if len(s.expected) <= 20 {
		return s.expected
	}
	var some []sink.Expectation
	for i, x := range s.expected {
		if i%50 == 0 {
			some = append(some, x)
		}
	}
	return some
}

// measurement is what stood when it began.
type measurement struct {
	s       *scene
	began   time.Time
	used    map[string]stack.Usage
	arrived int64
	tables  tables
	peak    map[string]int64
	stop    context.CancelFunc
	sampled chan struct{}
}

func (s *scene) begin(ctx context.Context) (*measurement, error) {
	m := &measurement{s: s, peak: make(map[string]int64), sampled: make(chan struct{})}
	var err error
	if m.tables, err = s.look(ctx, tables{newest: [3]string{"~", "~", "~"}}); err != nil {
		return nil, err
	}
	if err := s.countStatements(ctx); err != nil {
		return nil, err
	}
	m.used = s.stack.Usage()
	if err := s.receiver.resetLatency(ctx); err != nil {
		return nil, err
	}
	stats, err := s.receiver.stats(ctx)
	if err != nil {
		return nil, err
	}
	m.arrived, m.began = stats.Distinct-stats.Classes["dead"].Distinct, time.Now()
	sampling, stop := context.WithCancel(ctx)
	m.stop = stop
	go m.sample(sampling)
	return m, nil
}

// sample looks at the memory of Data Pusher's processes.
func (m *measurement) sample(ctx context.Context) {
	defer close(m.sampled)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		for name, p := range m.s.servers {
			m.peak[name] = max(m.peak[name], stack.Resident(p.PID()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// delivered looks at what arrived while events came in.
func (m *measurement) delivered(ctx context.Context, row *Row, r *load.Result) error {
	stats, err := m.s.receiver.stats(ctx)
	if err != nil {
		return err
	}
	arrived := stats.Distinct - stats.Classes["dead"].Distinct
	row.Delivered = float64(arrived-m.arrived) / time.Since(m.began).Seconds()
	row.Backlog = max((r.Events+r.Warmup.Events)*int64(m.s.kinds)-arrived, 0)
	return nil
}

// drain waits until everything has arrived.
func (m *measurement) drain(ctx context.Context, row *Row, expected int64) error {
	began := time.Now()
	for time.Since(began) < drainPatience {
		stats, err := m.s.receiver.stats(ctx)
		if err != nil {
			return err
		}
		if stats.Distinct-stats.Classes["dead"].Distinct >= expected {
			break
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	row.Drain = time.Since(began).Seconds()
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settling is how long the last attempts may take to be recorded, and told.
const settling = time.Second

// end sums up.
func (m *measurement) end(ctx context.Context, row *Row) error {
	// What an event costs after it has arrived is a part of its cost.
	if err := pause(ctx, settling); err != nil {
		return err
	}
	m.stop()
	<-m.sampled
	row.Memory = m.peak
	used := m.s.stack.Usage()
	row.CPU = make(map[string]float64)
	events := float64(max(row.Accepted, 1))
	for name, u := range used {
		row.CPU[name] = (u.CPU - m.used[name].CPU).Seconds() / events * 1000
	}
	maps.DeleteFunc(row.CPU, func(_ string, c float64) bool { return c == 0 })
	if err := m.s.keepStatements(ctx, events); err != nil {
		return err
	}
	now, err := m.s.look(ctx, m.tables)
	if err != nil {
		return err
	}
	row.RowsPerEvent = float64(now.rows) / events
	row.WAL = float64(now.wal-m.tables.wal) / events
	row.Workflows = float64(now.workflows-m.tables.workflows) / events * 1000
	row.Jobs = float64(now.jobs-m.tables.jobs) / events * 1000
	row.EndToEnd, err = m.s.receiver.latency(ctx)
	return err
}
