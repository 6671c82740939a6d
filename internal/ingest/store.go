package ingest

import (
	"context"
	"slices"
	"time"

	"datapusher/internal/id"
)

// store is the group commit in one dialect.
type store interface {
	// insert commits a batch in one transaction under a run. The rows are what
	// was accepted; events that are missing lost their idempotency key.
	insert(ctx context.Context, batch []*item, run under) ([]row, error)
	// readBack finds what an insert of the batch stored whose answer was lost;
	// errNothing when it stored nothing.
	readBack(ctx context.Context, batch []*item) ([]row, error)
	// winners finds the events that the calls' idempotency keys stand for, by account and key.
	winners(ctx context.Context, losers []*item) (map[string]winner, error)
	close()
}

// under is the run that a batch is committed under, and what hands it over.
type under struct {
	run      string
	handOver []any // arguments of Options.TxInsert, where that is set
}

// row is one accepted delivery, or one accepted event without any.
type row struct {
	event       string
	delivery    string // "" when the event has no destination
	destination string
	parked      bool
	created     time.Time
}

// deliveriesOf is the range of ids, its end not included, that the deliveries of a
// batch are within.
func deliveriesOf(batch []*item) (from, to string) {
	ids := idsOf(batch)
	from, _ = id.FanOut(slices.Min(ids))
	_, to = id.FanOut(slices.Max(ids))
	return from, to
}

// leaseOf is the lease of a batch's first attempts: none, where they are deferred,
// which all of a batch are or none.
func leaseOf(batch []*item, lease time.Duration) time.Duration {
	if batch[0].defers {
		return 0
	}
	return lease
}

type winner struct {
	event      string
	hash       []byte
	deliveries int
}

func newStore(o Options) store {
	if o.DB.Postgres() {
		return mutated(&postgres{db: o.DB, lease: o.Lease, keys: o.KeyLifetime, commit: o.DB.Keep(handingOver(insertPostgres, o.TxInsert))})
	}
	return mutated(&sqlite{db: o.DB, lease: o.Lease, keys: o.KeyLifetime, now: o.Now})
}

// ordinal writes the number of a delivery within its event, as package id does,
// in SQL that both dialects know. Below %s is a number from 0.
const ordinal = `substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (%[1]s / 1024) %% 32 + 1, 1)` +
	` || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (%[1]s / 32) %% 32 + 1, 1)` +
	` || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', %[1]s %% 32 + 1, 1)`
