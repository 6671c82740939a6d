package delivery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"datapusher/ent/delivery"
	"datapusher/internal/database"
)

const (
	// recordBatch attempts are written in one transaction.
	recordBatch = 512
	// recordPatience is how long a result is tried to be written: giving up means
	// that the receiver is asked again.
	recordPatience = 30 * time.Second
)

var errStopped = errors.New("the recorder has stopped")

// recorder writes the results of attempts in batches: while one is being
// written, what ends forms the next.
type recorder struct {
	store  store
	logger *slog.Logger
	note   func(written []*record) // is told what was written, before whoever waits for it
	queue  chan *record
	wait   sync.WaitGroup
	mu     sync.RWMutex // guards queue against sends after close
	closed bool
}

func newRecorder(s store, logger *slog.Logger, note func([]*record)) *recorder {
	r := &recorder{store: s, logger: logger, note: note, queue: make(chan *record, recordBatch)}
	r.wait.Go(r.run)
	return r
}

// record returns when the result is on disk, with the delivery's status: "" when
// the delivery has another owner, or the number is recorded already.
func (r *recorder) record(rec *record) (delivery.Status, error) {
	rec.done = make(chan recorded, 1)
	if err := r.enqueue(rec); err != nil {
		return "", err
	}
	// Whatever becomes of the caller: the request has been sent, so its result has to be known.
	answer := <-rec.done
	return answer.status, answer.err
}

func (r *recorder) enqueue(rec *record) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return errStopped
	}
	r.queue <- rec
	return nil
}

func (r *recorder) run() {
	for rec := range r.queue {
		batch := []*record{rec}
	fill:
		for len(batch) < recordBatch {
			select {
			case more, ok := <-r.queue:
				if !ok {
					break fill
				}
				batch = append(batch, more)
			default:
				break fill
			}
		}
		r.write(batch)
	}
}

// write writes a batch; one that is refused is halved until the guilty row
// stands alone.
func (r *recorder) write(batch []*record) {
	ctx, cancel := context.WithTimeout(context.Background(), recordPatience)
	defer cancel()
	var again []*record
	seen := make(map[string]bool, len(batch))
	for i := 0; i < len(batch); {
		// One statement changes a row once: a second result waits for its turn.
		if id := batch[i].row.id; seen[id] {
			again = append(again, batch[i])
			batch = append(batch[:i], batch[i+1:]...)
		} else {
			seen[id] = true
			i++
		}
	}
	statuses, err := r.try(ctx, batch)
	switch failure := database.Classify(err); {
	case failure != database.Row && failure != database.Duplicate:
		r.tell(batch, statuses, err)
	case len(batch) > 1:
		r.write(batch[:len(batch)/2])
		r.write(batch[len(batch)/2:])
	case failure == database.Row && !batch[0].sanitized:
		r.logger.Warn("an answer could not be stored; recording the attempt without it", "delivery", batch[0].row.id, "error", err)
		batch[0].sanitize()
		r.write(batch)
	default:
		r.tell(batch, statuses, err)
	}
	if len(again) > 0 {
		r.write(again)
	}
}

func (r *recorder) tell(batch []*record, statuses map[string]delivery.Status, err error) {
	written := make([]*record, 0, len(batch))
	for _, rec := range batch {
		if rec.status = statuses[rec.row.id]; rec.status != "" {
			written = append(written, rec)
		}
	}
	r.note(written)
	for _, rec := range batch {
		rec.done <- recorded{statuses[rec.row.id], err}
	}
}

// try repeats while the database is away. A statement whose answer was lost may
// be repeated: its rows are no longer as it expects them.
func (r *recorder) try(ctx context.Context, batch []*record) (map[string]delivery.Status, error) {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		written, err := r.store.record(ctx, batch)
		switch database.Classify(err) {
		case database.None:
			return written, nil
		case database.Row, database.Duplicate:
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, err
		}
		r.logger.Warn("results of attempts could not be written; trying again", "attempts", len(batch), "error", err)
		t := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

func (r *recorder) close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	r.wait.Wait()
}
