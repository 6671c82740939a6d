package temporal_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

const secret = "pq: password authentication failed at https://user:s3cret@db.internal/"

// execute runs one activity and returns its result, its error and what was logged.
func execute(t *testing.T, c core, name string, args ...any) (temporal.Delivery, *sdk.ApplicationError, string) {
	t.Helper()
	var log bytes.Buffer
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporal.Logger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	temporal.New(temporal.Options{Core: c, Logger: slog.New(slog.NewTextHandler(&log, nil))}).RegisterActivities(env)
	value, err := env.ExecuteActivity(name, args...)
	if err != nil {
		failure, ok := errors.AsType[*sdk.ApplicationError](err)
		require.True(t, ok, "%v", err)
		return temporal.Delivery{}, failure, log.String()
	}
	var delivery temporal.Delivery
	require.NoError(t, value.Get(&delivery))
	return delivery, nil, log.String()
}

// What an unsettled delivery looks like in Temporal's UI.
func TestUnsettledDeliveryTellsItsStory(t *testing.T) {
	t.Parallel()
	open := retrying("dlv_1", 2, 13*time.Second)
	open.State, open.Result = workflows.Open, ""
	for _, test := range []struct {
		name    string
		outcome workflows.Outcome
		kind    string
		message string
		after   time.Duration
	}{
		{"failed", retrying("dlv_1", 1, 5*time.Minute), "503", "attempt 1: 503; next in 5m0s", 5 * time.Minute},
		{"jittered", retrying("dlv_1", 3, 5*time.Minute+1234567*time.Microsecond), "503",
			"attempt 3: 503; next in 5m1s", 5*time.Minute + 1234567*time.Microsecond},
		{"soon", retrying("dlv_1", 1, 250*time.Millisecond), "503", "attempt 1: 503; next in 250ms", 250 * time.Millisecond},
		{"due", retrying("dlv_1", 1, 0), "503", "attempt 1: 503; next in 100ms", 100 * time.Millisecond},
		{"overdue", retrying("dlv_1", 1, -time.Hour), "503", "attempt 1: 503; next in 100ms", 100 * time.Millisecond},
		{"open", open, "open", "attempt 2 is going on; asked again in 13s", 13 * time.Second},
		{"not tried", retrying("dlv_1", 0, time.Second), "waiting", "no attempt yet; first in 1s", time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, failure, log := execute(t, core{attempt: func(run, id string) (workflows.Outcome, error) {
				require.Equal(t, "event/1 dlv_1", run+" "+id)
				return test.outcome, nil
			}}, "Attempt", "event/1", "dlv_1")
			require.Equal(t, test.kind, failure.Type())
			require.Equal(t, test.message, failure.Message())
			require.Equal(t, test.after, failure.NextRetryDelay())
			require.Equal(t, sdk.ApplicationErrorCategoryBenign, failure.Category())
			require.False(t, failure.NonRetryable())
			require.Empty(t, log)
		})
	}
}

func TestOwnFailureTellsTemporalNothing(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New(secret) },
		"panic": func() error { panic(secret) },
	} {
		c := core{
			first:   func(string) ([]workflows.Outcome, error) { return nil, fail() },
			attempt: func(string, string) (workflows.Outcome, error) { return workflows.Outcome{}, fail() },
			step:    func(string) (time.Duration, bool, error) { return 0, false, fail() },
		}
		for activity, args := range map[string][]any{
			"First": {"event/1"}, "Attempt": {"event/1", "dlv_1"}, "Step": {"destination/dst_1"},
		} {
			t.Run(activity+" "+name, func(t *testing.T) {
				t.Parallel()
				_, failure, log := execute(t, c, activity, args...)
				require.Equal(t, "internal", failure.Type())
				require.Equal(t, sdk.ApplicationErrorCategoryUnspecified, failure.Category())
				require.False(t, failure.NonRetryable())
				require.NotContains(t, failure.Error(), "s3cret")
				require.NoError(t, failure.Unwrap())
				require.False(t, failure.HasDetails())
				require.Contains(t, log, "s3cret")
				require.Contains(t, log, args[0])
				require.Zero(t, failure.NextRetryDelay(), "the policy says when")
			})
		}
	}
}

func TestAttemptSettlesOrMoves(t *testing.T) {
	t.Parallel()
	delivery, failure, _ := execute(t, core{attempt: func(_, id string) (workflows.Outcome, error) {
		return succeeded(id, 4), nil
	}}, "Attempt", "event/1", "dlv_1")
	require.Nil(t, failure)
	require.Equal(t, temporal.Delivery{
		ID: "dlv_1", Outcome: temporal.Settled, Status: "succeeded", Result: "200", Attempts: 4, Millis: 12,
	}, delivery)

	delivery, failure, _ = execute(t, core{attempt: func(string, string) (workflows.Outcome, error) {
		return workflows.Outcome{}, workflows.ErrNotOwner
	}}, "Attempt", "event/1", "dlv_1")
	require.Nil(t, failure)
	require.Equal(t, temporal.Delivery{ID: "dlv_1", Outcome: temporal.Moved}, delivery)
}
