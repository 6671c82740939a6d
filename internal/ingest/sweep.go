package ingest

import (
	"context"
	"time"
)

const (
	// sweepEvery is the time between two looks for idempotency keys that have
	// expired: nobody asks for them any more.
	sweepEvery = time.Minute
	// sweepAtOnce keys are deleted in a transaction.
	sweepAtOnce = 1000
)

// sweep deletes keys that have expired until the ingest is closed.
func (in *Ingest) sweep() {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-in.swept.Done():
			return
		}
		if err := in.sweepOnce(in.swept); err != nil && in.swept.Err() == nil {
			in.o.Logger.Warn("expired idempotency keys could not be deleted; trying again", "error", err)
		}
	}
}

// sweepOnce deletes all keys that have expired.
func (in *Ingest) sweepOnce(ctx context.Context) error {
	expired, now := "now()", []any{sweepAtOnce}
	if !in.o.DB.Postgres() {
		expired, now = "?2", append(now, in.o.Now().UTC())
	}
	for {
		res, err := in.o.DB.Write.ExecContext(ctx, `
DELETE FROM idempotency_keys WHERE id IN (
  SELECT id FROM idempotency_keys WHERE expires_at <= `+expired+` ORDER BY expires_at LIMIT $1)`, now...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n < sweepAtOnce {
			return err
		}
	}
}
