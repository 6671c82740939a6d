package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// profile keeps what Data Pusher's processes say of themselves during a
// measurement.
func (s *scene) profile(ctx context.Context, duration time.Duration) {
	seconds := int(max(duration-2*time.Second, time.Second).Seconds())
	for name, server := range s.servers {
		base := filepath.Join(s.profiles, s.Name+"."+strings.ReplaceAll(name, " ", ""))
		for kind, query := range map[string]string{
			"cpu": fmt.Sprintf("profile?seconds=%d", seconds), "allocs": fmt.Sprintf("allocs?seconds=%d", seconds),
			"mutex": fmt.Sprintf("mutex?seconds=%d", seconds), "block": fmt.Sprintf("block?seconds=%d", seconds),
		} {
			go func() {
				if err := download(ctx, "http://"+server.Profile+"/debug/pprof/"+query, base+"."+kind+".pprof"); err != nil {
					fmt.Fprintln(os.Stderr, "bench: profile:", err)
				}
			}()
		}
	}
}

func download(ctx context.Context, url, file string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// countStatements has Postgres begin to count what each statement costs.
func (s *scene) countStatements(ctx context.Context) error {
	if s.profiles == "" || s.Shape == Standalone {
		return nil
	}
	db, err := s.stack.Database(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Write.ExecContext(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
	return err
}

// keepStatements keeps the 40 that cost most, on all databases, after so many events.
func (s *scene) keepStatements(ctx context.Context, events float64) error {
	if s.profiles == "" || s.Shape == Standalone {
		return nil
	}
	db, err := s.stack.Database(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Read.QueryContext(ctx, `
SELECT d.datname, s.calls, s.total_exec_time, s.rows, s.wal_bytes, left(regexp_replace(s.query, '\s+', ' ', 'g'), 150)
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid ORDER BY s.total_exec_time DESC LIMIT 40`)
	if err != nil {
		return err
	}
	defer rows.Close()
	f, err := os.Create(filepath.Join(s.profiles, s.Name+".statements.txt"))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // the writer has said so before
	w := tabwriter.NewWriter(f, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "database\tcalls per 1,000 events\tms per 1,000 events\trows per 1,000\tWAL bytes per event\tstatement")
	for rows.Next() {
		var (
			database, query          string
			calls, took, number, wal float64
		)
		if err := rows.Scan(&database, &calls, &took, &number, &wal, &query); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.1f\t%.0f\t%s\n", database, calls/events*1000, took/events*1000, number/events*1000, wal/events, query)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.Flush()
}
