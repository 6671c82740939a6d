package statistics

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// flushTime bounds one write.
	flushTime = 10 * time.Second
	// rowsAtOnce go into one statement.
	rowsAtOnce = 200
	// maxStanding is how many rows may wait to be written while the database is
	// away; what is beyond is dropped, the oldest first.
	maxStanding = 50_000
	// sweepEvery is the time between two looks for what is kept no longer.
	sweepEvery = 10 * time.Minute
	// sweepAtOnce rows are deleted in a statement.
	sweepAtOnce = 1000
)

// everything is the subject of what is counted of all accounts.
const everything = "all"

// row names one row that this process writes.
type row struct {
	minute               int64 // since 1970, when it begins
	account, destination string
}

func (r row) subject() string { return cmp.Or(r.destination, r.account, everything) }

// standing is a row as it stands.
type standing struct {
	counts
	changed bool // since it was written
}

// prefix begins the ids of the rows of a subject.
func prefix(subject string, hourly bool) string {
	if hourly {
		return subject + "/h/"
	}
	return subject + "/m/"
}

// moment is a minute in an id, so that ids sort by time.
func moment(minute int64) string { return fmt.Sprintf("%010d", minute) }

func (c *Counter) run() {
	t := time.NewTicker(c.o.Every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-c.stop:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		if err := c.Flush(ctx); err != nil {
			c.o.Logger.Warn("statistics could not be written; trying again", "error", err)
		}
		cancel()
	}
}

func (c *Counter) flushLast() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	c.flushing.Lock()
	defer c.flushing.Unlock()
	c.hoursAt = time.Time{}
	if err := c.flush(ctx); err != nil {
		c.o.Logger.Warn("the last statistics could not be written", "error", err)
	}
}

// Flush writes what has been counted. What could not be written is written with
// the next.
func (c *Counter) Flush(ctx context.Context) error {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	return c.flush(ctx)
}

func (c *Counter) flush(ctx context.Context) error {
	c.mu.Lock()
	fresh := c.fresh
	c.fresh, c.cell = make(map[key]*counts, len(fresh)), nil
	c.mu.Unlock()
	for k, n := range fresh {
		c.stand(k, n)
	}
	now := c.o.Now()
	minute := now.Unix() / 60
	if c.beat.Unix()/60 != minute { // others see by it that this process is there
		stand(c.minutes, row{minute: minute}, &counts{})
	}
	if err := c.write(ctx, c.minutes, false, now); err != nil {
		return err
	}
	c.beat = now
	forget(c.minutes, minute)
	if now.Sub(c.hoursAt) >= hoursEvery {
		if err := c.write(ctx, c.hours, true, now); err != nil {
			return err
		}
		c.hoursAt = now
		forget(c.hours, minute-minute%60)
	}
	if now.Sub(c.swept) >= sweepEvery {
		if err := c.sweep(ctx, now); err != nil {
			return err
		}
		c.swept = now
	}
	return nil
}

// stand adds what is new to the rows that it belongs to: of its destination, its
// account and everything, of the minute and the hour.
func (c *Counter) stand(k key, n *counts) {
	subjects := []row{{}, {account: k.account}}
	if k.destination != "" {
		subjects = append(subjects, row{account: k.account, destination: k.destination})
	}
	for _, r := range subjects {
		r.minute = k.minute
		stand(c.minutes, r, n)
		r.minute -= r.minute % 60
		stand(c.hours, r, n)
	}
}

func stand(in map[row]*standing, r row, n *counts) {
	s := in[r]
	if s == nil {
		s = &standing{}
		in[r] = s
	}
	s.merge(n)
	s.changed = true
}

// forget drops rows that are written and that nothing more is added to. An
// addition may have waited for the lock while the minute changed.
func forget(rows map[row]*standing, current int64) {
	for r, s := range rows {
		if !s.changed && r.minute < current-1 {
			delete(rows, r)
		}
	}
}

// write writes the rows that have changed, as they stand: what was written and
// whose answer was lost may be written again.
func (c *Counter) write(ctx context.Context, rows map[row]*standing, hourly bool, now time.Time) error {
	changed := slices.Collect(maps.Keys(rows))
	changed = slices.DeleteFunc(changed, func(r row) bool { return !rows[r].changed })
	slices.SortFunc(changed, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.minute, a.minute), cmp.Compare(a.subject(), b.subject())) // the newest first
	})
	if len(changed) > maxStanding {
		for _, r := range changed[maxStanding:] {
			delete(rows, r)
		}
		changed = changed[:maxStanding]
	}
	for part := range slices.Chunk(changed, rowsAtOnce) {
		if err := c.upsert(ctx, part, rows, hourly, now); err != nil {
			return err
		}
		for _, r := range part {
			rows[r].changed = false
		}
	}
	return nil
}

const columns = 14

// The statement's parts, with as many rows between them as there are.
const (
	insertRows = `INSERT INTO statistics (id, account_id, destination_id, hourly, at, writer, events, deliveries, attempts,
  failed_attempts, succeeded, failed, detail, updated_at) VALUES `
	asTheyStand = ` ON CONFLICT (id) DO UPDATE SET events = excluded.events, deliveries = excluded.deliveries,
  attempts = excluded.attempts, failed_attempts = excluded.failed_attempts, succeeded = excluded.succeeded,
  failed = excluded.failed, detail = excluded.detail, updated_at = excluded.updated_at`
)

func (c *Counter) upsert(ctx context.Context, part []row, rows map[row]*standing, hourly bool, now time.Time) error {
	args := make([]any, 0, columns*len(part))
	for _, r := range part {
		n := &rows[r].counts
		args = append(args, prefix(r.subject(), hourly)+moment(r.minute)+"/"+c.writer, null(r.account), null(r.destination),
			hourly, time.Unix(r.minute*60, 0).UTC(), c.writer, n.events, n.deliveries, n.attempts, n.failedAttempts,
			n.succeeded, n.failed, null(n.encode()), now.UTC().Truncate(time.Microsecond))
	}
	_, err := c.o.DB.Write.ExecContext(ctx, insertRows+places(len(part))+asTheyStand, args...)
	return err
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// places are the parameters of n rows: ($1, $2, …), (…).
func places(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range columns {
			b.WriteByte("(,"[min(j, 1)])
			fmt.Fprintf(&b, "$%d", i*columns+j+1)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// sweep deletes what is kept no longer.
func (c *Counter) sweep(ctx context.Context, now time.Time) error {
	for hourly, keep := range map[bool]time.Duration{false: KeepMinutes, true: KeepHours} {
		for {
			res, err := c.o.DB.Write.ExecContext(ctx, `
DELETE FROM statistics WHERE id IN (
  SELECT id FROM statistics WHERE hourly = $1 AND at < $2 ORDER BY at LIMIT $3)`, hourly, now.Add(-keep).UTC(), sweepAtOnce)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n < sweepAtOnce {
				if err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}
