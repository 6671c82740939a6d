package river

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"datapusher/workflows"
)

var _ workflows.Tracker = (*Engine)(nil)

// lookTimeout bounds the search for a job that is to be shown.
const lookTimeout = time.Second

// byKey finds jobs through the index that keeps them unique: its condition has to be
// repeated.
const byKey = ` FROM ` + Schema + `.river_job
WHERE unique_key = ANY($1::bytea[]) AND unique_key IS NOT NULL AND unique_states IS NOT NULL
  AND ` + Schema + `.river_job_state_in_bitmask(unique_states, state)`

// RunURL is the page of a run's or a loop's job in River UI: "" without one, and
// once River has forgotten the job, which it does an hour after its end.
func (e *Engine) RunURL(ctx context.Context, run string) string {
	if e.uiURL == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var id int64
	if err := e.db.QueryRowContext(ctx, `SELECT id`+byKey, keys(run)).Scan(&id); err != nil {
		return "" // a link is no reason to fail
	}
	return e.uiURL + "/jobs/" + strconv.FormatInt(id, 10)
}

// Holds picks those of some runs that River carries now.
func (e *Engine) Holds(ctx context.Context, runs []string) (map[string]bool, error) {
	rows, err := e.db.QueryContext(ctx, `SELECT args->>'run'`+byKey+` AND finalized_at IS NULL`, keys(runs...))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := map[string]bool{}
	for rows.Next() {
		var run string
		if err := rows.Scan(&run); err != nil {
			return nil, err
		}
		held[run] = true
	}
	return held, rows.Err()
}

// AtWork reports whether a process works with River. One that was killed counts for
// as long as its jobs are not taken over.
func (e *Engine) AtWork(ctx context.Context) (yes bool, err error) {
	err = e.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM `+Schema+`.river_job WHERE state = 'running' AND attempted_at > now() - make_interval(secs => $1))
		OR EXISTS (SELECT FROM `+Schema+`.river_leader WHERE expires_at > now())`, deadAfter.Seconds()).Scan(&yes)
	return yes, err
}

// keys is an array of the unique keys of runs and loops, as text.
func keys(ids ...string) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		key := uniqueKey(id)
		texts[i] = `"\\x` + hex.EncodeToString(key[:]) + `"`
	}
	return "{" + strings.Join(texts, ",") + "}"
}
