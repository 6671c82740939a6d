package temporal_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"datapusher/internal/testutil/temporaltest"
	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

var update = flag.Bool("update", false, "record testdata/history anew, from a real server")

const histories = "testdata/history"

// TestReplay has the workflows of today follow histories of the past. If it
// fails, the change at hand would break every workflow that is going on when it
// is deployed: it needs workflow.GetVersion. Only a new history is a reason to
// record; the old ones stay.
func TestReplay(t *testing.T) {
	t.Parallel()
	if *update {
		record(t)
	}
	files, err := filepath.Glob(histories + "/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), len(scenes))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			temporal.RegisterWorkflows(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(temporal.Logger(quiet), file))
		})
	}
}

// record plays the scenes of which there is no history yet.
func record(t *testing.T) {
	t.Helper()
	server := temporaltest.Start(t, temporaltest.SQLite)
	for name, scene := range scenes {
		file := filepath.Join(histories, name+".json")
		if _, err := os.Stat(file); err == nil {
			continue
		}
		namespace := server.Namespace(t)
		c := dial(t, server, namespace)
		text, err := protojson.Marshal(scene(t, c, namespace))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(histories, 0o755))
		// The SDK puts the machine's name in that of a worker's own task queue.
		host, err := os.Hostname()
		require.NoError(t, err)
		text = bytes.ReplaceAll(text, []byte(`"`+host+`:`), []byte(`"worker:`))
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
}

var scenes = map[string]func(t *testing.T, c client.Client, namespace string) *historypb.History{
	"run_succeeded": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		engine := work(t, engineOn(c, namespace, core{first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{succeeded("dlv_1", 1), succeeded("dlv_2", 1), succeeded("dlv_3", 1)}, nil
		}}))
		require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1", Summary: "order.paid", Details: "3 deliveries"}))
		outcome(t, c, "event/1")
		return history(t, c, "event/1", "")
	},
	"run_retried": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		made := map[string]int{}
		engine := work(t, temporal.New(temporal.Options{
			Client: c, Namespace: namespace, Logger: quiet, Now: laterEachTime(), // past the time that new attributes are given
			Core: core{
				first: func(string) ([]workflows.Outcome, error) {
					return []workflows.Outcome{
						succeeded("dlv_1", 1), retrying("dlv_2", 1, time.Second), retrying("dlv_3", 1, 10*time.Millisecond),
					}, nil
				},
				attempt: func(_, id string) (workflows.Outcome, error) {
					if made[id]++; made[id] <= 2 {
						return retrying(id, made[id], 10*time.Millisecond), nil
					}
					return succeeded(id, 3), nil
				},
			},
		}))
		complete(t, engine, c, "batch/1")
		return history(t, c, "batch/1", "")
	},
	"run_dropped": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		engine := work(t, engineOn(c, namespace, core{
			first: func(string) ([]workflows.Outcome, error) {
				return []workflows.Outcome{retrying("dlv_1", 1, time.Hour), retrying("dlv_2", 1, time.Hour)}, nil
			},
			attempt: func(_, id string) (workflows.Outcome, error) { return retrying(id, 1, time.Hour), nil },
		}))
		require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/1"}))
		pendingActivity(t, c, "batch/1", func(a *workflowpb.PendingActivityInfo) bool { return a.GetAttempt() == 2 })
		for _, id := range []string{"dlv_unknown", "dlv_1", "dlv_1", "dlv_2"} {
			require.NoError(t, engine.Drop(t.Context(), "batch/1", id))
		}
		outcome(t, c, "batch/1")
		return history(t, c, "batch/1", "")
	},
	"run_own_failure": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		firsts, attempts := 0, 0
		engine := work(t, engineOn(c, namespace, core{
			first: func(string) ([]workflows.Outcome, error) {
				if firsts++; firsts <= 2 {
					return nil, errors.New("the database is away")
				}
				return []workflows.Outcome{retrying("dlv_1", 1, 10*time.Millisecond), retrying("dlv_2", 1, 10*time.Millisecond)}, nil
			},
			attempt: func(_, id string) (workflows.Outcome, error) {
				if id == "dlv_2" {
					return workflows.Outcome{}, workflows.ErrNotOwner
				}
				if attempts++; attempts == 1 {
					return workflows.Outcome{}, errors.New("the database is away")
				}
				return succeeded(id, 2), nil
			},
		}))
		complete(t, engine, c, "event/1")
		return history(t, c, "event/1", "")
	},
	"run_delayed": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		engine := work(t, engineOn(c, namespace, core{first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{succeeded("dlv_2", 1)}, nil
		}}))
		require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1", NotBefore: time.Now().Add(2 * time.Second)}))
		require.NoError(t, engine.Drop(t.Context(), "event/1", "dlv_1"))
		outcome(t, c, "event/1")
		return history(t, c, "event/1", "")
	},
	"run_canceled": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		engine := work(t, engineOn(c, namespace, core{
			first: func(string) ([]workflows.Outcome, error) {
				return []workflows.Outcome{retrying("dlv_1", 1, time.Hour)}, nil
			},
			attempt: func(_, id string) (workflows.Outcome, error) { return retrying(id, 1, time.Hour), nil },
		}))
		require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
		pendingActivity(t, c, "event/1", func(a *workflowpb.PendingActivityInfo) bool { return a.GetAttempt() == 2 })
		require.NoError(t, c.CancelWorkflow(t.Context(), "event/1", ""))
		require.Error(t, c.GetWorkflow(t.Context(), "event/1", "").Get(t.Context(), nil))
		return history(t, c, "event/1", "")
	},
	"loop_woken": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		taken := make(chan struct{}, 10)
		steps := 0
		engine := work(t, engineOn(c, namespace, core{step: func(string) (time.Duration, bool, error) {
			defer func() { taken <- struct{}{} }()
			steps++
			return []time.Duration{time.Millisecond, time.Hour, time.Hour, 0}[steps-1], steps == 4, nil
		}}))
		for range 3 {
			require.NoError(t, engine.Wake(t.Context(), "destination/dst_1"))
			<-taken
			if steps == 1 {
				<-taken // the second comes by itself
			}
		}
		require.NoError(t, c.GetWorkflow(t.Context(), "destination/dst_1", "").Get(t.Context(), nil))
		return history(t, c, "destination/dst_1", "")
	},
	"loop_continued": func(t *testing.T, c client.Client, namespace string) *historypb.History {
		steps := 0
		engine := work(t, engineOn(c, namespace, core{step: func(string) (time.Duration, bool, error) {
			steps++
			return 0, steps > 100, nil
		}}))
		require.NoError(t, engine.Wake(t.Context(), "destination/dst_1"))
		require.NoError(t, c.GetWorkflow(t.Context(), "destination/dst_1", "").Get(t.Context(), nil))
		first := started(t, c, "destination/dst_1").GetContinuedExecutionRunId()
		require.NotEmpty(t, first)
		return history(t, c, "destination/dst_1", first)
	},
}
