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
	step                                 int           // waits of the schedule that are used up
	steered                              string        // RETRY, POSTPONE or none: an operator set the next attempt
	age                                  time.Duration // since it was accepted, without the time that it was parked
	due, lease                           time.Duration // from now, on the database's clock; negative: past
	probe                                probe         // what its attempt tells an open breaker
	read                                 time.Time     // nothing that happened later is known, by this process's clock
	held                                 bool          // its lease is ours
	begun                                bool          // by a head start, which is over with its lease
	content
}

// content is what an attempt sends of a delivery's event.
type content struct {
	payload []byte // nil when it was not loaded, or the event is gone
	headers []byte // sealed: a replay's own
	replay  bool   // the event was made by a replay
}

// owned is a row's id, and whose it is.
type owned struct{ account, id string }

func (r row) unsettled() bool {
	switch r.status {
	case delivery.StatusPending, delivery.StatusDelivering, delivery.StatusRetrying:
		return true
	}
	return false
}

// leased reports whether some process may be at the first attempt: it committed
// the delivery or took it less than a lease ago, or has said that it is delivering.
// A lease that the reconciler renewed ends later than any of those and means nothing
// of the kind.
func (r row) leased() bool {
	return r.attempts == 0 && r.lease > early &&
		(r.status == delivery.StatusDelivering || r.lease-r.due <= maxLease+early)
}

// mayRetry is the operator's word for one attempt whatever the state.
func (r row) mayRetry() bool { return r.steered == string(delivery.SteeredRetry) }

// asker is who wants the delivery's next attempt, if it is no probe.
func (r row) asker() Asker {
	switch {
	case r.mayRetry():
		return byOperator
	case r.replay && r.attempts == 0:
		return byReplay
	}
	return bySchedule
}

// record is the result of one attempt, to be written.
type record struct {
	row                             row
	number                          int
	result                          sender.Result
	asker                           Asker
	requestHeaders, responseHeaders []byte
	noTry                           bool // the decision needed no attempt: nothing was sent
	decision                        Decision
	random                          float64         // for the breaker's probes
	sanitized                       bool            // without what the database refused
	status                          delivery.Status // the delivery's, once it is recorded
	done                            chan recorded
}

type recorded struct {
	status delivery.Status // the delivery's now; "": another owner, or the number is recorded already
	err    error
}

// settings is a destination as an attempt needs it.
type settings struct {
	id, account, name, method, url, state, reason string
	deleted, draining, troubled                   bool
	schedule                                      string
	timeout, giveUpAfter                          time.Duration // 0: the default, never
	headers, secrets                              []byte        // sealed
	allowCIDRs                                    []byte        // JSON: the account's own networks
}

// sending reports whether new deliveries go out at once.
func (s settings) sending() bool { return s.state == "SENDING" && !s.draining }

// overdue is a run whose deliveries nobody has cared for.
type overdue struct {
	run        string
	deliveries int
}

// parked is a delivery in the park, and for how long somebody has it.
type parked struct {
	id    string
	lease time.Duration
}

// store is the core's SQL in one dialect. Every statement that serves a caller
// names the account; these serve workers, by ids of rows that name theirs.
type store interface {
	// load reads one delivery with its event's content; nil when there is none.
	load(ctx context.Context, deliveryID string) (*row, error)
	// loadRun reads the unsettled deliveries of a run, without contents, by id.
	loadRun(ctx context.Context, run string, limit int) ([]row, error)
	// loadAll reads deliveries with their events' contents, by id.
	loadAll(ctx context.Context, ids []string) ([]row, error)
	// contents reads those of events that are there.
	contents(ctx context.Context, events []string) (map[owned]content, error)
	// record writes attempts and what they mean, in one transaction; it returns
	// how the deliveries that it wrote stand now.
	record(ctx context.Context, batch []*record) (map[string]delivery.Status, error)
	// settle ends or parks deliveries of a run without an attempt.
	settle(ctx context.Context, run string, ids []string, status delivery.Status, reason string) error
	// lease says how long first attempts are still going on, and the status meanwhile.
	lease(ctx context.Context, run string, ids []string, status delivery.Status, until time.Duration) error
	// take leases deliveries of a run, those with the ids or any where ids is nil, whose
	// first attempt is due and that nobody has, and no account's that it has to do without;
	// it returns which, without contents, by id.
	take(ctx context.Context, run string, ids, without []string, limit int) ([]row, error)
	// destinations reads settings by id, deleted ones too.
	destinations(ctx context.Context, ids []string) ([]settings, error)
	// overdueRuns lists runs with deliveries whose lease ended a grace ago.
	overdueRuns(ctx context.Context, grace time.Duration, limit int) ([]overdue, error)
	// renew extends the lease of a run's overdue deliveries, of which none is being
	// delivered any more.
	renew(ctx context.Context, run string, lease time.Duration) error
	// move gives unsettled deliveries of a run a new owner, but for those whose first
	// attempt may be going on: those with the ids, or all where ids is nil. It returns
	// which.
	move(ctx context.Context, from, to string, ids []string) ([]string, error)

	// oldestParked lists parked deliveries of a destination after that id, by id.
	oldestParked(ctx context.Context, destination, after string, limit int) ([]parked, error)
	// claim gives parked deliveries that nobody has to a run, for so long; it
	// returns those that it got, by id.
	claim(ctx context.Context, run string, ids []string, lease time.Duration) ([]string, error)
	// release puts claimed deliveries back that were not attempted.
	release(ctx context.Context, run string, ids []string) error
	// parkWaiting parks deliveries of a destination that wait for their next
	// attempt, unless an operator set that; it returns which.
	parkWaiting(ctx context.Context, destination, reason string, limit int) ([]string, error)
	// cancelWaiting ends deliveries of a destination that are parked or wait for
	// their next attempt; it returns which.
	cancelWaiting(ctx context.Context, destination, reason string, limit int) ([]string, error)

	// waking lists destinations whose lane has something to do.
	waking(ctx context.Context, grace time.Duration, limit int) ([]string, error)
	// wakingReplays lists replays that run and have not moved for a grace.
	wakingReplays(ctx context.Context, grace time.Duration, limit int) ([]string, error)
	// close ends it, when nothing is recorded any more.
	close()
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
		return mutatedStore(&postgres{db: db, results: db.Keep(recordPostgres)})
	}
	return mutatedStore(&sqlite{db: db, now: now})
}
