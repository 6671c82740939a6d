//go:build mutants

package ingest

import (
	"context"
	"time"

	"datapusher/internal/mutant"
)

// mutated has the store do wrong what the process's mutant does wrong.
func mutated(s store) store {
	switch {
	case mutant.Is(mutant.AnswerBeforeCommit):
		return hasty{s}
	case mutant.Is(mutant.NoUniqueKey):
		return forgetful{s}
	}
	return s
}

// hasty answers before it stores.
type hasty struct{ store }

func (h hasty) insert(ctx context.Context, batch []*item, run under) ([]row, error) {
	for _, it := range batch {
		it.done(Receipt{EventID: it.id}, nil)
	}
	time.Sleep(mutant.Window) // their senders have read it
	for _, it := range batch {
		it.result = Result{}
	}
	return h.store.insert(ctx, batch, run)
}

// forgetful stores no idempotency keys.
type forgetful struct{ store }

func (f forgetful) insert(ctx context.Context, batch []*item, run under) ([]row, error) {
	keyless := make([]*item, len(batch))
	for i, it := range batch {
		keyless[i] = &item{
			Event: Event{AccountID: it.AccountID, EventType: it.EventType, Payload: it.Payload},
			id:    it.id, hash: it.hash, bulk: it.bulk, defers: it.defers,
		}
	}
	return f.store.insert(ctx, keyless, run)
}
