package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"datapusher/ent"
	"datapusher/ent/delivery"
	"datapusher/ent/event"
	entreplay "datapusher/ent/replay"
	"datapusher/internal/auth"
	"datapusher/internal/breaker"
	"datapusher/internal/id"
	"datapusher/internal/replay"
	"datapusher/internal/statistics"
	"datapusher/internal/vault"
)

const (
	// replayTurn is the time between two turns of a replay that keeps to its rate.
	replayTurn = 500 * time.Millisecond
	// replayStep is how long a step takes turns: the clocks of engines are too coarse
	// for a rate.
	replayStep = 5 * time.Second
	// replayAtATime bounds the events of a turn.
	replayAtATime = 500
)

// replay takes turns of a replay for a while.
func (c *Core) replay(ctx context.Context, replayID string) (again time.Duration, done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, replayStep)
	defer cancel()
	for {
		began := time.Now()
		again, done, err := c.replayOnce(context.WithoutCancel(ctx), replayID)
		if done || err != nil {
			return again, done, err
		}
		again -= time.Since(began)
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return max(again, 0), false, nil
		}
	}
}

// replayOnce is a turn of a replay: the next events that match become events once
// more, with deliveries of their own, in the transaction that also moves the
// replay's position. So each is replayed once, whatever dies in between.
func (c *Core) replayOnce(ctx context.Context, replayID string) (again time.Duration, done bool, err error) {
	ctx = auth.AsSystem(ctx)
	r, err := c.o.DB.Ent.Replay.Get(ctx, replayID)
	switch {
	case ent.IsNotFound(err):
		return 0, true, nil
	case err != nil:
		return 0, false, fmt.Errorf("load the replay: %w", err)
	case r.Status != entreplay.StatusRunning:
		return 0, true, nil
	}
	n := int(min(max(math.Round(r.Rate*replayTurn.Seconds()), 1), replayAtATime))
	next, err := c.matching(ctx, r, n)
	if err != nil {
		return 0, false, fmt.Errorf("look for events to replay: %w", err)
	}
	p, err := c.planReplay(r, next)
	if err != nil {
		return 0, false, fmt.Errorf("take over an event's headers: %w", err)
	}
	moved, err := c.commitReplay(ctx, r, p, len(next) < n)
	if err != nil {
		return 0, false, fmt.Errorf("replay events: %w", err)
	}
	if !moved { // another turn was faster, or somebody has paused or canceled it
		return leastWait, false, nil
	}
	c.countReplay(r.AccountID, p)
	if len(p.leaving) > 0 {
		if err := c.engine.Dispatch(ctx, describe(p.run, p.leaving)); err != nil {
			// They are committed: the reconciler hands them over.
			c.o.Logger.Warn("replayed events could not be handed to the engine; the reconciler will", "replay", r.ID, "error", err)
		}
	}
	if len(next) < n {
		return 0, true, nil
	}
	return time.Duration(float64(len(next)) / r.Rate * float64(time.Second)), false, nil
}

// matching are the next events of a replay, each with the deliveries that match.
func (c *Core) matching(ctx context.Context, r *ent.Replay, n int) ([]*ent.Event, error) {
	return c.o.DB.Ent.Event.Query().
		Where(append(replay.Matching(r), event.IDGT(r.Position))...).
		Order(ent.Asc(event.FieldID)).Limit(n).
		WithDeliveries(func(q *ent.DeliveryQuery) { q.Where(replay.Deliveries(r)...) }).
		Select(event.FieldID, event.FieldAccountID, event.FieldHeaders).All(ctx)
}

// ownHeaders are an event's, sealed.
type ownHeaders struct {
	event  string
	sealed []byte
}

// plan is what one turn of a replay makes. It is JSON to the statements, which
// both dialects can read.
type plan struct {
	run        string
	position   string
	events     [][2]string  // the original's id, the new one's
	deliveries [][3]string  // id, the new event's, the destination's
	leaving    []string     // deliveries that are not parked
	headers    []ownHeaders // of the few originals that had some of their own
	made       []replayed   // what was stored of deliveries
}

func (c *Core) planReplay(r *ent.Replay, next []*ent.Event) (*plan, error) {
	now := c.o.Now()
	p := &plan{run: id.NewBatch(now), position: r.Position, events: [][2]string{}, deliveries: [][3]string{}} // JSON has no nil lists
	minted := c.minter.Events(now, len(next))
	for i, e := range next {
		p.position = e.ID
		targets := slices.Clone(r.TargetIds)
		if len(targets) == 0 {
			for _, d := range e.Edges.Deliveries {
				targets = append(targets, d.DestinationID)
			}
		}
		slices.Sort(targets)
		p.events = append(p.events, [2]string{e.ID, minted[i]})
		if e.Headers != nil { // sealed for that event: they do not open elsewhere
			own, err := vault.OpenEventHeaders(c.o.Box, e.ID, e.AccountID, e.Headers)
			if err != nil {
				return nil, err
			}
			sealed, err := vault.SealEventHeaders(c.o.Box, minted[i], e.AccountID, own)
			if err != nil {
				return nil, err
			}
			p.headers = append(p.headers, ownHeaders{minted[i], sealed})
		}
		for n, to := range slices.Compact(targets) {
			p.deliveries = append(p.deliveries, [3]string{id.DeliveryOf(minted[i], n), minted[i], to})
		}
	}
	return p, nil
}

const (
	// Destinations that are gone get nothing; those that do not send, or drain, park.
	replayDeliveries = `
INSERT INTO deliveries (id, account_id, event_id, destination_id, status, reason, run, lease_until, next_attempt_at, parked_at,
  attempt_count, created_at)
SELECT n.value ->> 0, d.account_id, n.value ->> 1, d.id,
  CASE WHEN d.state = 'SENDING' AND NOT d.draining THEN 'PENDING' ELSE 'PARKED' END,
  CASE WHEN d.state = 'SENDING' AND NOT d.draining THEN NULL ELSE coalesce(d.reason, '` + breaker.InLine + `') END,
  CASE WHEN d.state = 'SENDING' AND NOT d.draining THEN $2 ELSE '' END,
  CASE WHEN d.state = 'SENDING' AND NOT d.draining THEN @now END,
  CASE WHEN d.state = 'SENDING' AND NOT d.draining THEN @now END,
  CASE WHEN d.state = 'SENDING' AND NOT d.draining THEN NULL ELSE @now END, 0, @now
FROM @each n JOIN destinations d ON d.id = n.value ->> 2
WHERE d.account_id = $4 AND d.deleted_at IS NULL
RETURNING id, event_id, status`
	// The payload is copied where it lies.
	replayedEvents = `
INSERT INTO events (id, account_id, event_type, payload, created_at, replay_of, replay_id)
SELECT n.value ->> 1, e.account_id, e.event_type, e.payload, @now, e.id, $2
FROM @each n JOIN events e ON e.id = n.value ->> 0
WHERE e.account_id = $4`
	replayMoves = `
UPDATE replays SET position = $3, replayed = replayed + $4, skipped = skipped + $5, deliveries = deliveries + $6, updated_at = $7,
  status = CASE WHEN $8 THEN 'COMPLETED' ELSE status END, finished_at = CASE WHEN $8 THEN $7 ELSE finished_at END
WHERE id = $1 AND account_id = $9 AND coalesce(position, '') = $2 AND status = 'RUNNING'`
)

// commitReplay stores a turn, if the replay is still where it was.
func (c *Core) commitReplay(ctx context.Context, r *ent.Replay, p *plan, last bool) (moved bool, err error) {
	speak := strings.NewReplacer("@each", "json_each($1)", "@now", "$3")
	if c.o.DB.Postgres() {
		speak = strings.NewReplacer("@each", "json_array_elements($1::json)", "@now", "$3::timestamptz")
	}
	tx, err := c.o.DB.Write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	now := c.now()
	made, err := scanReplayed(tx.QueryContext(ctx, speak.Replace(replayDeliveries), jsonText(p.deliveries), p.run, now, r.AccountID))
	if err != nil {
		return false, err
	}
	p.made = made
	reached := make(map[string]bool)
	for _, d := range made {
		reached[d.event] = true
		if d.status == delivery.StatusPending {
			p.leaving = append(p.leaving, d.id)
		}
	}
	events := slices.DeleteFunc(slices.Clone(p.events), func(e [2]string) bool { return !reached[e[1]] })
	if _, err := tx.ExecContext(ctx, speak.Replace(replayedEvents), jsonText(events), r.ID, now, r.AccountID); err != nil {
		return false, err
	}
	for _, h := range p.headers {
		if _, err := tx.ExecContext(ctx, `UPDATE events SET headers = $1 WHERE id = $2 AND account_id = $3`, h.sealed, h.event, r.AccountID); err != nil {
			return false, err
		}
	}
	res, err := tx.ExecContext(ctx, replayMoves, r.ID, r.Position, p.position, len(events), len(p.events)-len(events), len(made), now, last,
		r.AccountID)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	ids := slices.Collect(maps.Keys(reached))
	for _, d := range made {
		ids = append(ids, d.id)
	}
	c.o.Changes.Note(r.AccountID, ids...)
	return true, nil
}

// countReplay adds what a turn has made to the statistics.
func (c *Core) countReplay(account string, p *plan) {
	to := make(map[string]string, len(p.deliveries))
	for _, d := range p.deliveries {
		to[d[0]] = d[2]
	}
	events, fanned := map[string]bool{}, make([]statistics.Fanned, len(p.made))
	for i, d := range p.made {
		events[d.event] = true
		fanned[i] = statistics.Fanned{Account: account, Destination: to[d.id]}
	}
	c.o.Statistics.Accepted(slices.Repeat([]string{account}, len(events)), fanned)
}

func jsonText(list any) string {
	text, _ := json.Marshal(list) // strings cannot fail
	return string(text)
}

type replayed struct {
	id, event string
	status    delivery.Status
}

func scanReplayed(rows *sql.Rows, err error) ([]replayed, error) {
	return scan(rows, err, func(rows *sql.Rows, r *replayed) error { return rows.Scan(&r.id, &r.event, &r.status) })
}
