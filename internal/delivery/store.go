package delivery

import (
	"context"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
	"datapusher/internal/sender"
)

// row is a delivery as the core needs it.
type row struct {
	id, account, event, destination, run string
	status                               delivery.Status
	reason                               string
	attempts                             int
	due, lease                           time.Duration // from now, on the database's clock; negative: past
	payload                              []byte        // nil when it was not loaded, or the event is gone
}

func (r row) unsettled() bool {
	switch r.status {
	case delivery.StatusPending, delivery.StatusDelivering, delivery.StatusRetrying:
		return true
	}
	return false
}

// leased reports whether some process may be at the first attempt: it committed
// the delivery a lease ago, or has said that it is delivering. A lease that the
// reconciler renewed ends later than any of those and means nothing of the kind.
func (r row) leased() bool {
	return r.attempts == 0 && r.lease > early &&
		(r.status == delivery.StatusDelivering || r.lease-r.due <= Lease+early)
}

// record is the result of one attempt, to be written.
type record struct {
	row      row
	number   int
	result   sender.Result
	noTry    bool // the decision needed no attempt: nothing was sent
	decision Decision
	done     chan recorded
}

type recorded struct {
	written bool // false: another owner, or the number is recorded already
	err     error
}

// settings is a destination as an attempt needs it.
type settings struct {
	id, account, name, method, url, state, reason string
	deleted                                       bool
	headers, secrets                              []byte // sealed
}

// overdue is a run whose deliveries nobody has cared for.
type overdue struct {
	run        string
	deliveries int
}

// store is the core's SQL in one dialect. Every statement that serves a caller
// names the account; these serve workers, by ids of rows that name theirs.
type store interface {
	// load reads one delivery with its event's payload; nil when there is none.
	load(ctx context.Context, deliveryID string) (*row, error)
	// loadRun reads the unsettled deliveries of a run, without payloads, by id.
	loadRun(ctx context.Context, run string, limit int) ([]row, error)
	// payloads reads those of events that are there, by id.
	payloads(ctx context.Context, events []string) (map[string][]byte, error)
	// record writes attempts and what they mean, in one transaction; it returns
	// the ids of the deliveries it wrote.
	record(ctx context.Context, batch []*record) (map[string]bool, error)
	// settle ends or parks deliveries of a run without an attempt.
	settle(ctx context.Context, run string, ids []string, status delivery.Status, reason string) error
	// lease says how long first attempts are still going on, and the status meanwhile.
	lease(ctx context.Context, run string, ids []string, status delivery.Status, until time.Duration) error
	// destinations reads settings by id, deleted ones too.
	destinations(ctx context.Context, ids []string) ([]settings, error)
	// overdueRuns lists runs with deliveries whose lease ended a grace ago.
	overdueRuns(ctx context.Context, grace time.Duration, limit int) ([]overdue, error)
	// renew extends the lease of a run's overdue deliveries, of which none is being
	// delivered any more.
	renew(ctx context.Context, run string, lease time.Duration) error
	// move gives unsettled deliveries of a run a new owner: those with the ids, or
	// where ids is nil all but those whose first attempt may be going on.
	move(ctx context.Context, from, to string, ids []string) ([]string, error)
	// unpark gives up to limit parked deliveries of a destination, the oldest
	// first, to a run and makes them due.
	unpark(ctx context.Context, destination, run string, limit int) ([]string, error)
	// cancelParked ends all parked deliveries of a destination.
	cancelParked(ctx context.Context, destination, reason string) error
	// waking lists destinations that send again and still have parked deliveries.
	waking(ctx context.Context, limit int) ([]string, error)
	// backlog counts what is not settled.
	backlog(ctx context.Context) (Backlog, error)
}

// Backlog is what is not settled, over all accounts.
type Backlog struct {
	Pending, Retrying, Parked int
	OldestPending             time.Duration // age of the oldest pending delivery
}

func newStore(db *database.DB, now func() time.Time) store {
	if db.Postgres() {
		return &postgres{db: db}
	}
	return &sqlite{db: db, now: now}
}
