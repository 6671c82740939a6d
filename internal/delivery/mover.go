package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/workflows"
)

// moveAtOnce runs are looked at together. What waits of them becomes one run: it is
// mostly a delivery or two of each.
const moveAtOnce = 200

// Mover gives what waits in one engine to another. It is not needed for anything to
// arrive, for the reconciler hands over what is overdue; it has nothing be late.
type Mover struct {
	DB *database.DB // Postgres
	To workflows.Engine
	// Idle tells that nobody works with the other engine any more: then what is due
	// about now is moved as well.
	Idle bool
	// Elsewhere picks those of some runs that the other engine carries, or none.
	Elsewhere func(ctx context.Context, runs []string) ([]string, error)
}

// Moved is what a look found.
type Moved struct {
	Deliveries, Runs int // given to so many new runs of the other engine
	Loops            int // woken there
	Left             int // deliveries elsewhere that are due, or being attempted
}

// Move looks through all that is unsettled. It leaves alone what is due about now,
// unless the other engine is idle, and what somebody may be at: if nobody is, the
// reconciler of whoever works takes it up. To move again is no harm: what has moved is not elsewhere any more.
func (m *Mover) Move(ctx context.Context) (done Moved, err error) {
	if !m.DB.Postgres() {
		return done, errors.New("only Postgres has two engines to choose from")
	}
	made := map[string]bool{} // runs of this look, which may come after where it is
	for last := ""; ; {
		runs, err := m.unsettled(ctx, last)
		if err != nil || len(runs) == 0 {
			return done, errors.Join(err, m.wake(ctx, &done))
		}
		last = runs[len(runs)-1]
		runs = slices.DeleteFunc(runs, func(run string) bool { return made[run] })
		if runs, err = m.Elsewhere(ctx, runs); err != nil {
			return done, fmt.Errorf("ask who carries which run: %w", err)
		}
		if len(runs) == 0 {
			continue
		}
		to := id.NewBatch(time.Now())
		made[to] = true
		if err := m.move(ctx, runs, to, &done); err != nil {
			return done, err
		}
	}
}

func (m *Mover) move(ctx context.Context, runs []string, to string, done *Moved) error {
	moved, left, err := m.give(ctx, runs, to)
	if err != nil {
		return err
	}
	done.Left += left
	if len(moved) == 0 {
		return nil
	}
	done.Deliveries += len(moved)
	done.Runs++
	if err := m.To.Dispatch(ctx, describe(to, moved)); err != nil {
		return fmt.Errorf("hand %d deliveries over, which the reconciler does once they are due: %w", len(moved), err)
	}
	return nil
}

// unsettled lists runs that have something to do, after that one. What a lane has
// taken out of the park is in its own care.
func (m *Mover) unsettled(ctx context.Context, after string) ([]string, error) {
	runs, err := text(m.DB.Read.QueryContext(ctx, `
SELECT DISTINCT run FROM deliveries
WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING') AND run > $1 AND run NOT LIKE $2 || '%'
ORDER BY run LIMIT $3`, after, workflows.LanePrefix, moveAtOnce))
	if err != nil {
		return nil, fmt.Errorf("look for what is not settled: %w", err)
	}
	return runs, nil
}

// give has a run own what waits of others, and counts what remains theirs.
func (m *Mover) give(ctx context.Context, from []string, to string) (moved []string, left int, err error) {
	moved, err = text(m.DB.Write.QueryContext(ctx, `
UPDATE deliveries SET run = $1, lease_until = greatest(next_attempt_at, now())
WHERE run = ANY($2) AND status IN ('PENDING', 'RETRYING')
  AND (next_attempt_at > now() + $3 * interval '1 second' OR $4 AND lease_until <= now())
RETURNING id`, to, database.Array(from), inFlight.Seconds(), m.Idle))
	if err != nil {
		return nil, 0, fmt.Errorf("move deliveries: %w", err)
	}
	slices.Sort(moved)
	err = m.DB.Read.QueryRowContext(ctx, `
SELECT count(*) FROM deliveries WHERE run = ANY($1) AND status IN ('PENDING', 'DELIVERING', 'RETRYING')`,
		database.Array(from)).Scan(&left)
	if err != nil {
		return moved, 0, fmt.Errorf("count what is left: %w", err)
	}
	return moved, left, nil
}

// everyLoop is more than there are: nobody wakes at the next look what one leaves out.
const everyLoop = 1 << 30

// wake has the new engine take the turns that are due now: those of later are the
// reconciler's.
func (m *Mover) wake(ctx context.Context, done *Moved) error {
	s := newStore(m.DB, time.Now)
	defer s.close()
	lanes, err := s.waking(ctx, 0, everyLoop)
	if err != nil {
		return fmt.Errorf("look for lanes to wake: %w", err)
	}
	replays, err := s.wakingReplays(ctx, 0, everyLoop)
	if err != nil {
		return fmt.Errorf("look for replays to wake: %w", err)
	}
	var loops []string
	for _, one := range lanes {
		loops = append(loops, workflows.Lane(one))
	}
	for _, one := range replays {
		loops = append(loops, workflows.Replay(one))
	}
	for _, loop := range loops {
		if err := m.To.Wake(ctx, loop); err != nil {
			return err
		}
		done.Loops++
	}
	return nil
}
