package load

import (
	"context"
	"time"
)

// grain is the shortest sleep of the pacer: at a high rate it hands out several
// requests at once rather than wake for each.
const grain = 200 * time.Microsecond

// due is when a request is meant to start, since the start.
func (r *run) due(ticket int) time.Duration {
	return time.Duration(float64(ticket) / r.o.Rate * float64(time.Second))
}

// pace hands out requests when they are due, until the end. Where no connection
// is free, what is due waits here, in order; what still waits at the end is unsent.
func (r *run) pace(ctx context.Context, clock *sleeper, tickets chan<- int) (used int, unsent int64) {
	ticket := 0
	for ; r.o.Count == 0 || ticket < r.o.Count; ticket++ {
		at := r.due(ticket)
		if r.end > 0 && at >= r.end {
			break
		}
		if wait := at - time.Since(r.start); wait > 0 && !clock.sleep(max(wait, grain)) {
			return ticket, r.overdue(ticket)
		}
		select { // without ctx, since that costs more
		case tickets <- ticket:
			continue
		default:
		}
		select {
		case tickets <- ticket:
		case <-ctx.Done():
			return ticket, r.overdue(ticket)
		}
	}
	return ticket, 0
}

// overdue is how many requests are due, from one on.
func (r *run) overdue(ticket int) (n int64) {
	now := time.Since(r.start)
	if r.end > 0 {
		now = min(now, r.end)
	}
	for r.due(ticket) < now && (r.o.Count == 0 || ticket < r.o.Count) {
		ticket++
		n++
	}
	return n
}
