// Package rig stands a Data Pusher up as it is in production, has senders and
// receivers write down what they see, and gives scenarios the handles with which
// they break it: processes, the database server, Temporal, and what stands
// between them.
package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"datapusher/bench/stack"
	"datapusher/faults/check"
	"datapusher/internal/database"
)

// Options are those of a run.
type Options struct {
	Programs stack.Programs
	Engine   string    // Temporal or River
	Seed     uint64    // of all that is random
	Rate     float64   // events a second
	Dir      string    // for logs and ledgers; it has to be there
	Log      io.Writer // is told of each fault; nil: nobody
	Env      []string  // of all processes
	// Drain is how long nothing of what waits may have moved, for scenarios that do not
	// say; 3 minutes if zero.
	Drain time.Duration
}

// Rig is what stands.
type Rig struct {
	Engine string
	Plan   Plan
	Stack  *stack.Stack
	// DB is Data Pusher's database, without what stands between.
	DB           *database.DB
	Serves       []*Process // those that serve, "serve --worker" too
	Workers      []*Process // those that make attempts, "serve --worker" too
	Destinations []*Destination
	// Rand is what a scenario chooses by; it has the run's seed.
	Rand *rand.Rand

	o         Options
	began     time.Time
	processes []*Process
	receiver  *receiver
	senders   *senders
	closers   []func()
	resume    func()     // ends the fault of a Postgres that is stopped
	starting  sync.Mutex // one process starts at a time

	mu      sync.Mutex
	faults  []check.Fault
	endless []string // processes that did not end in order
}

// stand starts all of it.
func stand(ctx context.Context, plan Plan, o Options) (_ *Rig, err error) {
	r := &Rig{
		Engine: o.Engine, Plan: plan.complete(o.Rate), o: o, began: time.Now(),
		Rand: rand.New(rand.NewPCG(o.Seed, 0)),
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.Stack, err = stack.New(o.Programs, o.Dir); err != nil {
		return nil, err
	}
	if err := r.Stack.StartPostgres(ctx); err != nil {
		return nil, err
	}
	if r.hasTemporal() {
		r.Stack.TemporalArgs = r.Plan.TemporalArgs
		if err := r.Stack.StartTemporal(ctx); err != nil {
			return nil, err
		}
	}
	if r.DB, err = r.Stack.Database(ctx); err != nil {
		return nil, err
	}
	if r.receiver, err = startReceiver(ctx, r.file("received"), rand.New(rand.NewPCG(o.Seed, 1))); err != nil {
		return nil, err
	}
	r.receiver.server.SetKeepAlivesEnabled(!plan.Fresh)
	where, err := r.between()
	if err != nil {
		return nil, err
	}
	if err := r.startProcesses(ctx, where); err != nil {
		return nil, err
	}
	accounts, err := r.populate(ctx, where)
	if err != nil {
		return nil, err
	}
	var doors []string
	for _, p := range r.Serves {
		doors = append(doors, p.door)
	}
	r.senders, err = newSenders(r.file("sent"), r.Plan.Rate, accounts, doors)
	return r, err
}

// hasTemporal reports whether a Temporal stands.
func (r *Rig) hasTemporal() bool { return r.Engine == Temporal || r.Plan.Both }

// file is one of the run's ledgers.
func (r *Rig) file(name string) string { return filepath.Join(r.o.Dir, name+".jsonl") }

// between tells where processes shall look for what they talk to.
func (r *Rig) between() (Addresses, error) {
	db, err := url.Parse(r.Stack.DatabaseURL())
	if err != nil {
		return Addresses{}, err
	}
	where := Addresses{Postgres: db.Host, Receivers: r.receiver.address}
	if r.hasTemporal() {
		where.Temporal = r.Stack.TemporalAddress()
	}
	if r.Plan.Between == nil {
		return where, nil
	}
	return r.Plan.Between(r, where)
}

func (r *Rig) startProcesses(ctx context.Context, where Addresses) error {
	db, err := url.Parse(r.Stack.DatabaseURL())
	if err != nil {
		return err
	}
	db.Host = where.Postgres
	// Long enough for the senders to notice that a door is not ready.
	env := []string{"DATAPUSHER_ENGINE=" + r.Engine, "DATAPUSHER_DRAIN_DELAY=2s"}
	migrate := stack.Command{Name: "migrate", Args: []string{"migrate", "up"}, Env: env}
	if r.Plan.Both {
		migrate.Args = append(migrate.Args, "--engine="+River) // it makes the tables that Temporal does without, too
	}
	if err := r.Stack.Run(ctx, migrate); err != nil {
		return err
	}
	env = append(env, "DATAPUSHER_DATABASE_URL="+db.String())
	if where.Temporal != "" {
		env = append(env, "TEMPORAL_ADDRESS="+where.Temporal)
	}
	env = slices.Concat(env, r.o.Env, r.Plan.Env)
	for kind, n := range []int{r.Plan.Serves, r.Plan.Workers, r.Plan.Whole} {
		for i := range n {
			if err := r.addProcess(ctx, kind, i+1, env); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Rig) addProcess(ctx context.Context, kind, number int, env []string) error {
	p := &Process{rig: r, works: kind > 0}
	name, args := "serve", []string{"serve"}
	switch kind {
	case 1:
		name, args = "worker", []string{"worker"}
	case 2:
		name, args = "whole", []string{"serve", "--worker"}
	}
	p.Name = fmt.Sprintf("%s-%d", name, number)
	if kind != 1 {
		address, err := stack.FreeAddress()
		if err != nil {
			return err
		}
		p.door = "http://" + address
		args = append(args, "--listen="+address)
		r.Serves = append(r.Serves, p)
	}
	if p.works {
		r.Workers = append(r.Workers, p)
	}
	r.processes = append(r.processes, p)
	p.Command = stack.Command{Name: p.Name, Args: append(args, r.Plan.Args...), Env: env}
	if r.Plan.Program != "" {
		p.Command.Program = filepath.Join(filepath.Dir(r.o.Programs.DataPusher), r.Plan.Program)
	}
	server, err := r.start(ctx, p.Command)
	p.server = server
	return err
}

func (r *Rig) start(ctx context.Context, c stack.Command) (*stack.Server, error) {
	r.starting.Lock()
	defer r.starting.Unlock()
	return r.Stack.Start(ctx, c)
}

// populate makes accounts and destinations.
func (r *Rig) populate(ctx context.Context, where Addresses) ([]account, error) {
	operator := r.Operator()
	var accounts []account
	for _, spec := range r.Plan.Destinations {
		for len(accounts) <= spec.Account {
			id, token, err := operator.CreateAccount(ctx, fmt.Sprintf("faults-%d", len(accounts)))
			if err != nil {
				return nil, err
			}
			accounts = append(accounts, account{id, token})
		}
		in := stack.DestinationInput{
			AccountID: accounts[spec.Account].id, URL: "http://" + where.Receivers + "/" + spec.Name, Name: spec.Name,
			RetrySchedule: spec.Schedule, Timeout: spec.Timeout,
		}
		id, secret, err := operator.CreateDestination(ctx, in)
		if err != nil {
			return nil, err
		}
		d := &Destination{DestinationSpec: spec, ID: id, account: in.AccountID}
		if d.webhook, err = webhooks.NewWebhook(secret); err != nil {
			return nil, err
		}
		r.Destinations = append(r.Destinations, d)
		r.receiver.add(d)
	}
	return accounts, nil
}

// Operator is the GraphQL door of the first process that serves and runs.
func (r *Rig) Operator() stack.API {
	serves := r.Serves
	if i := slices.IndexFunc(serves, (*Process).Running); i > 0 {
		serves = serves[i:]
	}
	return stack.API{URL: serves[0].door, Token: r.Stack.AdminToken}
}

// Destination is the one with that name; nil if there is none.
func (r *Rig) Destination(name string) *Destination {
	if i := slices.IndexFunc(r.Destinations, func(d *Destination) bool { return d.Name == name }); i >= 0 {
		return r.Destinations[i]
	}
	return nil
}

// Accepted is how many events have been accepted up to now.
func (r *Rig) Accepted() int { return int(r.senders.accepted.Load()) }

// Sleep lets time pass, with the load that there is. An error is that ctx ended.
func (r *Rig) Sleep(ctx context.Context, d time.Duration) error {
	pause(ctx, d)
	return ctx.Err()
}

// SleepBetween lets a random time pass.
func (r *Rig) SleepBetween(ctx context.Context, shortest, longest time.Duration) error {
	return r.Sleep(ctx, shortest+time.Duration(r.Rand.Int64N(int64(longest-shortest)+1)))
}

// Pick is one of the processes, at random.
func (r *Rig) Pick(of []*Process) *Process { return of[r.Rand.IntN(len(of))] }

// Inject notes a fault that begins now and ends when the function is called that
// it returns; "defer r.Inject(…)()" is one that takes as long as what follows.
// repeats tells that it may keep the result of an attempt from being recorded, so
// that the receiver may get it again; say it only where that is so.
func (r *Rig) Inject(name string, repeats bool) (end func()) { return r.inject(name, repeats, 0) }

func (r *Rig) inject(name string, repeats bool, pid int) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := len(r.faults)
	now := time.Now()
	// Until its end is known it goes on.
	r.faults = append(r.faults, check.Fault{Name: name, From: now, To: now.Add(24 * time.Hour), Repeats: repeats, PID: pid})
	r.say("%8.2fs %s", now.Sub(r.began).Seconds(), name)
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.faults[at].To = time.Now()
	})
}

func (r *Rig) say(format string, args ...any) {
	if r.o.Log != nil {
		fmt.Fprintf(r.o.Log, format+"\n", args...)
	}
}

func (r *Rig) unclean(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endless = append(r.endless, text)
}

// StopPostgres ends the database server: "fast" in order, "immediate" as a crash
// does.
func (r *Rig) StopPostgres(mode string) error {
	r.resume = r.Inject("stop Postgres, "+mode, true)
	return r.Stack.StopPostgres(mode)
}

// ResumePostgres starts it again, and waits until it answers.
func (r *Rig) ResumePostgres() error {
	if r.resume == nil {
		return nil
	}
	defer func() { r.resume(); r.resume = nil }()
	return r.Stack.ResumePostgres()
}

// KillTemporal ends Temporal without a warning. No attempt is repeated for that:
// results are in the database.
func (r *Rig) KillTemporal() error {
	if r.Engine != Temporal {
		return errors.New("the engine is another")
	}
	defer r.Inject("kill Temporal", false)()
	r.Stack.Temporal().Kill()
	return nil
}

// StartTemporal starts a Temporal that does not run, at its address.
func (r *Rig) StartTemporal(ctx context.Context) error {
	if r.Engine != Temporal || !hasEnded(r.Stack.Temporal()) {
		return nil
	}
	return r.Stack.StartTemporal(ctx)
}

// WipeRiver deletes all of River's jobs at once, those that are at work included.
func (r *Rig) WipeRiver(ctx context.Context) error {
	if r.Engine != River {
		return errors.New("the engine is another")
	}
	defer r.Inject("delete River's jobs", true)()
	_, err := r.DB.Write.ExecContext(ctx, "TRUNCATE river.river_job")
	return err
}

func hasEnded(s *stack.Server) bool {
	select {
	case <-s.Ended():
		return true
	default:
		return false
	}
}

// restore ends all faults: what stands still goes on, what has ended is started.
func (r *Rig) restore(ctx context.Context) error {
	if err := r.ResumePostgres(); err != nil {
		return err
	}
	if r.Engine == Temporal {
		_ = r.Stack.Temporal().Signal(syscall.SIGCONT) // fails where it has ended
	}
	if err := r.StartTemporal(ctx); err != nil {
		return err
	}
	for _, p := range r.processes {
		if err := errors.Join(p.Continue(), p.Start(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// OnClose has something done at the end, the last first.
func (r *Rig) OnClose(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closers = append(r.closers, f)
}

// stop ends the processes in order.
func (r *Rig) stop() {
	var ending sync.WaitGroup
	for _, p := range r.processes {
		if p.wonder(); p.Running() {
			ending.Go(p.end)
		}
	}
	ending.Wait()
}

// close ends everything that still stands.
func (r *Rig) close() {
	if r.senders != nil {
		_ = r.senders.close()
	}
	for _, p := range r.processes {
		if p.Running() {
			_ = p.Continue()
			p.server.Kill()
		}
	}
	if r.receiver != nil {
		_ = r.receiver.close()
	}
	for _, f := range slices.Backward(r.closers) {
		f()
	}
	if r.DB != nil {
		_ = r.DB.Close()
	}
	if r.Stack != nil {
		_ = r.ResumePostgres() // who stops last has to find it
		r.Stack.Close()
	}
}
