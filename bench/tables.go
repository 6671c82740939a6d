package main

import (
	"context"

	"datapusher/internal/database"
)

// tables is what stands in the databases, and what was written to get there.
type tables struct {
	newest    [3]string // ids of the newest event, delivery and attempt
	rows      int64     // in these tables, since another look
	wal       int64
	workflows int64 // of Temporal
	jobs      int64 // of River
}

// look counts the rows that are newer than those of an earlier look.
func (s *scene) look(ctx context.Context, since tables) (t tables, err error) {
	if s.Shape == Standalone {
		return t, nil
	}
	db, err := s.stack.Database(ctx)
	if err != nil {
		return t, err
	}
	defer db.Close()
	for i, table := range []string{"events", "deliveries", "attempts"} {
		var n int64
		if err := db.Read.QueryRowContext(ctx, "SELECT coalesce(max(id), '') FROM "+table).Scan(&t.newest[i]); err != nil {
			return t, err
		}
		if err := db.Read.QueryRowContext(ctx, "SELECT count(*) FROM "+table+" WHERE id > $1", since.newest[i]).Scan(&n); err != nil {
			return t, err
		}
		t.rows += n
	}
	if err := db.Read.QueryRowContext(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").Scan(&t.wal); err != nil {
		return t, err
	}
	if s.Shape == River { // which keeps what is finished for an hour
		return t, db.Read.QueryRowContext(ctx, "SELECT count(*) FROM river.river_job WHERE kind = 'run'").Scan(&t.jobs)
	}
	if !s.Shape.temporal() {
		return t, nil
	}
	temporal, err := s.stack.TemporalDatabase(ctx)
	if err != nil {
		return t, err
	}
	defer temporal.Close()
	return t, workflows(ctx, temporal, &t.workflows)
}

func workflows(ctx context.Context, temporal *database.DB, n *int64) error {
	return temporal.Read.QueryRowContext(ctx, "SELECT count(*) FROM current_executions").Scan(n)
}
