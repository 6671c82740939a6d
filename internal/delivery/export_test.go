package delivery

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	entdelivery "datapusher/ent/delivery"
	"datapusher/internal/breaker"
	"datapusher/internal/id"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// NewRun mints the id of a run.
func NewRun() string { return id.NewBatch(time.Now()) }

// FailRecord stands between a core's recorder and its store. It has to be called
// before anything is recorded.
func FailRecord(c *Core, f func(record func() error) error) {
	c.recorder.store = &failing{store: c.store, f: f}
}

type failing struct {
	store
	f func(record func() error) error
}

func (s *failing) record(ctx context.Context, batch []*record) (written map[string]entdelivery.Status, err error) {
	err = s.f(func() (err error) {
		written, err = s.store.record(ctx, batch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return written, nil
}

// HoldRecorder makes results wait, so that those that come meanwhile share a
// batch, until release is called.
func HoldRecorder(c *Core) (release func()) {
	gate := make(chan struct{})
	FailRecord(c, func(record func() error) error {
		<-gate
		return record()
	})
	return sync.OnceFunc(func() { close(gate) })
}

// Flights is how many runs a core remembers, and how many bytes of payload.
func (c *Core) Flights() (runs, bytes int) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	for _, of := range c.flights.by {
		for _, e := range of {
			bytes += len(e.row.payload)
		}
	}
	return len(c.flights.by), bytes
}

// WaitForWaiting returns when somebody waits for a place.
func (c *Core) WaitForWaiting() {
	for c.slots.queued() == 0 {
		runtime.Gosched()
	}
}

// ReplayOnce takes one turn of a replay.
func (c *Core) ReplayOnce(ctx context.Context, replayID string) (again time.Duration, done bool, err error) {
	return c.replayOnce(ctx, replayID)
}

// Apply tells a core's cache how a destination stands now.
func (c *Core) Apply(destinationID string, s breaker.Standing) {
	c.destinations.apply(destinationID, s)
}

// TakePlace and FreePlace are what an attempt does.
func (c *Core) TakePlace(account, destination string) bool {
	taken, _ := c.slots.try(destination, account, 0, 0, 0)
	return taken
}
func (c *Core) FreePlace(account, destination string) { c.slots.release(destination, account, 0) }

// Slots of a core.
type Slots = slots

// NewSlots makes the places of a process.
func NewSlots() *Slots { return newSlots(time.Now) }

// Try, Acquire and Release are its methods, for a destination "account/name" or
// one that is an account of its own.
func (s *slots) Try(destination string) bool {
	taken, _ := s.try(destination, owner(destination), 0, 0, 0)
	return taken
}
func (s *slots) Acquire(ctx context.Context, destination string) bool {
	return s.acquire(ctx, destination, owner(destination), 0)
}
func (s *slots) Release(destination string) { s.release(destination, owner(destination), 0) }

// Answered gives a slot back after an answer that took so long.
func (s *slots) Answered(destination string, took time.Duration) {
	s.answered(destination, owner(destination), 0, took)
	s.recorded(owner(destination))
}

// Announce, Busy and Crowded are its methods.
func (s *slots) Announce(account string, n int) { s.announce(account, n, 0) }
func (s *slots) Busy(account string) bool       { return s.busy(account) }
func (s *slots) Crowded() bool                  { return s.crowded() }

// Crowds is its method.
func (s *slots) Crowds(destination string) bool { return s.crowds(destination) }

// Bulk is what comes in bulk.
type Bulk = bulk

// NewBulk makes one.
func NewBulk() *Bulk { return &bulk{} }

// Came and Yield are its methods.
func (b *bulk) Came(events, waiting int) { b.came(events, waiting) }
func (b *bulk) Yield(ctx context.Context, n int) bool {
	_, ok := b.yield(ctx, n)
	return ok
}

func (s *slots) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

func owner(destination string) string {
	account, _, _ := strings.Cut(destination, "/")
	return account
}

// Redacted is a body as it is kept.
func Redacted(body []byte, truncated bool, headers []sender.Header, keys []vault.SigningSecret) (string, bool) {
	r := sender.Result{Body: body, BodyTruncated: truncated}
	redact(&r, hidden(headers, keys))
	return string(r.Body), r.BodyTruncated
}

// Cached is how many destinations are held in memory.
func (c *Core) Cached() int {
	c.destinations.mu.Lock()
	defer c.destinations.mu.Unlock()
	return len(c.destinations.by)
}

// PutDestination makes a destination known, as a lane does with the one that it
// has read.
func (c *Core) PutDestination(n int) { c.destinations.put(settings{id: strconv.Itoa(n)}) }

// Crowd takes all the room of a process.
func (c *Core) Crowd() { c.slots.announce("acc_crowd", 2*overall, 0) }

// Flood gives an account enough to do.
func (c *Core) Flood(account string) { c.slots.announce(account, perAccount+perAccount/2, 0) }

// Move gives deliveries to a further run, as far as nobody is at them.
func (c *Core) Move(ctx context.Context, run string, ids []string) (stay []workflows.Outcome, err error) {
	outcomes := make([]workflows.Outcome, len(ids))
	for i, one := range ids {
		outcomes[i].DeliveryID = one
	}
	return c.moveOutcomes(ctx, run, outcomes, len(ids))
}
