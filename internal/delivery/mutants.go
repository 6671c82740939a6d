//go:build mutants

package delivery

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"datapusher/internal/id"
	"datapusher/internal/mutant"
	"datapusher/internal/sender"
)

// mutatedStore has the store do wrong what the process's mutant does wrong.
func mutatedStore(s store) store {
	switch {
	case mutant.Is(mutant.NoReconciler):
		return careless{s}
	case mutant.Is(mutant.TakeAnothers):
		return greedy{s}
	}
	return s
}

// greedy takes what another has.
type greedy struct{ store }

func (g greedy) take(ctx context.Context, run string, ids, without []string, limit int) (taken []row, err error) {
	if taken, err = g.store.take(ctx, run, ids, without, limit); err != nil || len(taken) > 0 {
		return taken, err
	}
	rows, err := g.loadRun(ctx, run, limit)
	for _, one := range rows {
		if one.attempts == 0 && (ids == nil || slices.Contains(ids, one.id)) {
			taken = append(taken, one)
		}
	}
	return taken, err
}

// careless finds nothing overdue.
type careless struct{ store }

func (careless) overdueRuns(context.Context, time.Duration, int) ([]overdue, error) { return nil, nil }

func (careless) waking(context.Context, time.Duration, int) ([]string, error) { return nil, nil }

func (careless) wakingReplays(context.Context, time.Duration, int) ([]string, error) { return nil, nil }

// mutatedSender does so for the sender.
func mutatedSender(s Sender) Sender {
	switch {
	case mutant.Is(mutant.NewIDPerRetry):
		return &renaming{Sender: s}
	case mutant.Is(mutant.MarkBeforeSend):
		return boastful{s}
	case mutant.Is(mutant.SendTwice):
		return &stuttering{Sender: s}
	case mutant.Is(mutant.SendSettled):
		return &forgetful{Sender: s}
	}
	return s
}

// renaming gives what it has sent before another name.
type renaming struct {
	Sender
	minter id.Minter
	sent   sync.Map
}

func (m *renaming) Send(ctx context.Context, r *sender.Request) sender.Result {
	if _, again := m.sent.LoadOrStore(r.EventID+" "+r.URL, true); again {
		renamed := *r
		renamed.EventID = m.minter.Events(time.Now(), 1)[0]
		r = &renamed
	}
	return m.Sender.Send(ctx, r)
}

// boastful says that it was sent, and then sends it.
type boastful struct{ Sender }

func (m boastful) Send(_ context.Context, r *sender.Request) sender.Result {
	time.AfterFunc(mutant.Window, func() { m.Sender.Send(context.Background(), r) })
	return sender.Result{Status: http.StatusOK, Started: time.Now()}
}

// stuttering sends every tenth twice.
type stuttering struct {
	Sender
	n atomic.Int64
}

func (m *stuttering) Send(ctx context.Context, r *sender.Request) sender.Result {
	if m.n.Add(1)%10 == 0 {
		m.Sender.Send(ctx, r)
	}
	return m.Sender.Send(ctx, r)
}

// forgetful sends every tenth again when all of it is recorded, as somebody does who
// takes work up that is done.
type forgetful struct {
	Sender
	n atomic.Int64
}

func (m *forgetful) Send(ctx context.Context, r *sender.Request) sender.Result {
	result := m.Sender.Send(ctx, r)
	if result.Status == http.StatusOK && m.n.Add(1)%10 == 0 {
		again := *r
		time.AfterFunc(2*time.Second, func() { m.Sender.Send(context.Background(), &again) })
	}
	return result
}
