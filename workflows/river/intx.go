package river

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"datapusher/workflows"
)

var _ workflows.TxDispatcher = (*Engine)(nil)

// insertRun inserts a run's job as [Engine.Dispatch] does, by one statement. What is
// to begin at once is told to the processes that work, when the transaction is over.
const insertRun = `
  INSERT INTO ` + Schema + `.river_job (kind, queue, state, max_attempts, args, unique_key, scheduled_at, unique_states)
  SELECT 'run', '` + queueRuns + `', 'available'::` + Schema + `.river_job_state, %[4]d, $%[1]d::text::jsonb, decode($%[2]d::text, 'hex'),
    now() + $%[3]d::float8 * interval '1 second', B'11111111'
  WHERE $%[1]d::text IS NOT NULL AND (%[5]s)
  ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL
    AND ` + Schema + `.river_job_state_in_bitmask(unique_states, state) DO NOTHING
  RETURNING CASE WHEN $%[3]d::float8 = 0 THEN pg_notify('` + channelInsert + `', '` + `{"queue": "` + queueRuns + `"}') END`

// TxInsert is part of a larger statement: the job of a run is there when its
// deliveries are, and is not if they are not.
func (e *Engine) TxInsert(first int, condition string) string {
	return fmt.Sprintf(insertRun, first, first+1, first+2, neverGivenUp, condition)
}

// TxArguments are those of TxInsert. A process that works looks for the job when it is to
// begin; where others do, they find it when they ask, a little later.
func (e *Engine) TxArguments(run workflows.Run, after time.Duration) []any {
	if run.ID == "" {
		return []any{nil, nil, 0.0}
	}
	args, err := json.Marshal(runArgs{Run: run.ID, Summary: clip(run.Summary)})
	if err != nil {
		panic(err) // strings can always be written
	}
	if after > 0 {
		e.nudgeAt(queueRuns, after)
	}
	return []any{string(args), fmt.Sprintf("%x", uniqueKey(run.ID)), after.Seconds()}
}

// uniqueKey is River's, for a run or a loop.
func uniqueKey(id string) [sha256.Size]byte {
	kind, field := runArgs{}.Kind(), "run"
	if isLoop(id) {
		kind, field = loopArgs{}.Kind(), "loop"
	}
	return sha256.Sum256([]byte("&kind=" + kind + "&args=" + named(field, id)))
}

func isLoop(id string) bool {
	return strings.HasPrefix(id, workflows.LanePrefix) || strings.HasPrefix(id, workflows.ReplayPrefix)
}
