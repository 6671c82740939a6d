package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// bare measures the two ends against each other: what no system between them can
// reach.
func bare(ctx context.Context, b *bench, w Workload) (*Row, error) {
	s, err := newScene(ctx, b, Workload{Name: w.Name, Shape: Standalone})
	if err != nil {
		return nil, err
	}
	defer s.close()
	g, err := startGenerator(ctx, []string{
		"-direct", "-url", s.receiver.URL + "/ok/0", "-warmup", warmup.String(), "-duration", b.duration.String(),
	})
	if err != nil {
		return nil, err
	}
	s.stack.Add("generator", g.cmd)
	if _, err := g.line(); err != nil {
		return nil, err
	}
	m, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.kinds = 1
	result, err := g.result()
	if err != nil {
		return nil, err
	}
	row := rowOf(result)
	// What is sent directly has no record.
	row.Accepted, row.AcceptedPS = result.Accepted, float64(result.Accepted)/result.Wall
	if err := m.delivered(ctx, row, result); err != nil {
		return nil, err
	}
	row.Backlog = 0
	return row, m.end(ctx, row)
}

// rows is what one event to one destination does to the tables, each step in a
// transaction of its own, as a program would do it that has no batches.
const rows = `SELECT nextval('bench') AS n \gset
BEGIN;
INSERT INTO events (id, account_id, payload, created_at)
  VALUES ('evt_' || lpad(:n::text, 26, '0'), 'acc_00000000000000000000000000', decode(repeat('61', 1024), 'hex'), now());
INSERT INTO deliveries (id, account_id, event_id, destination_id, status, run, lease_until, next_attempt_at, created_at)
  VALUES ('dlv_' || lpad(:n::text, 26, '0'), 'acc_00000000000000000000000000', 'evt_' || lpad(:n::text, 26, '0'),
    'dst_00000000000000000000000000', 'PENDING', 'event/evt_' || lpad(:n::text, 26, '0'), now() + interval '17 s', now(), now());
END;
BEGIN;
UPDATE deliveries SET status = 'SUCCEEDED', attempt_count = 1, lease_until = NULL, next_attempt_at = NULL, settled_at = now()
  WHERE id = 'dlv_' || lpad(:n::text, 26, '0');
INSERT INTO attempts (id, account_id, delivery_id, number, status, started_at, duration_us, request_headers, response_headers)
  VALUES ('att_' || lpad(:n::text, 26, '0'), 'acc_00000000000000000000000000', 'dlv_' || lpad(:n::text, 26, '0'), 1, 200, now(), 1000,
    decode(repeat('61', 350), 'hex'), decode(repeat('61', 80), 'hex'));
END;
`

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench measures what Postgres can store, an event a client at a time.
func pgbench(ctx context.Context, b *bench, w Workload) (*Row, error) {
	s, err := newScene(ctx, b, Workload{Name: w.Name, Shape: NoTemporal})
	if err != nil {
		return nil, err
	}
	defer s.close()
	db, err := s.stack.Database(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := db.Write.ExecContext(ctx, "CREATE SEQUENCE bench"); err != nil {
		return nil, err
	}
	script := filepath.Join(s.dir, "rows.sql")
	if err := os.WriteFile(script, []byte(rows), 0o600); err != nil {
		return nil, err
	}
	m, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	out, err := s.stack.Postgres(ctx, "pgbench", "-n", "-M", "prepared", "-c", "64", "-j", "2",
		"-T", strconv.Itoa(int(b.duration.Seconds())), "-f", script).Output()
	if err != nil {
		return nil, err
	}
	found := tps.FindSubmatch(out)
	if found == nil {
		return nil, fmt.Errorf("pgbench says:\n%s", out)
	}
	row := &Row{}
	row.AcceptedPS, _ = strconv.ParseFloat(string(found[1]), 64) // the pattern is a number's
	row.Accepted = int64(row.AcceptedPS * b.duration.Seconds())
	row.Delivered = row.AcceptedPS
	if err := m.end(ctx, row); err != nil {
		return nil, err
	}
	row.EndToEnd = nil
	row.Memory = map[string]int64{}
	return row, nil
}
