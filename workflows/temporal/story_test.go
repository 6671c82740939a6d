package temporal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"datapusher/internal/testutil/temporaltest"
	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

// An operator sees, for each delivery that waits, what was tried, how it ended
// and when it goes on: three days ahead, if that is what the schedule says.
func TestPendingDeliveryIsVisible(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	due := time.Now().Add(72 * time.Hour)
	engine := work(t, engineOn(c, namespace, core{
		first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{succeeded("dlv_1", 1), retrying("dlv_2", 1, time.Until(due))}, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) { return retrying(id, 1, time.Until(due)), nil },
	}))
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{
		ID: "event/1", Summary: "order.paid to 2 destinations", Details: "dlv_1\ndlv_2",
	}))

	activity := pendingActivity(t, c, "event/1", func(a *workflowpb.PendingActivityInfo) bool { return a.GetAttempt() == 2 })
	require.Equal(t, "dlv_2", activity.GetActivityId())
	require.Equal(t, "Attempt", activity.GetActivityType().GetName())
	require.WithinDuration(t, due, activity.GetNextAttemptScheduleTime().AsTime(), time.Minute)
	failure := activity.GetLastFailure()
	require.Equal(t, "attempt 1: 503; next in 72h0m0s", failure.GetMessage())
	require.Equal(t, "503", failure.GetApplicationFailureInfo().GetType())
	require.Zero(t, activity.GetMaximumAttempts())

	metadata := history(t, c, "event/1", "").Events[0].GetUserMetadata()
	require.Equal(t, `"order.paid to 2 destinations"`, string(metadata.GetSummary().GetData()))
	require.Equal(t, `"dlv_1\ndlv_2"`, string(metadata.GetDetails().GetData()))
	for _, event := range history(t, c, "event/1", "").Events {
		if event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			require.Equal(t, `"POST example.org (a name)"`, string(event.GetUserMetadata().GetSummary().GetData()))
		}
	}

	// Whoever cancels it in the UI ends it; the reconciler then finds it closed.
	require.NoError(t, c.CancelWorkflow(t.Context(), "event/1", ""))
	require.Error(t, c.GetWorkflow(t.Context(), "event/1", "").Get(t.Context(), nil))
	require.ErrorIs(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}), workflows.ErrRunClosed)
}

func pendingActivity(
	t *testing.T, c client.Client, run string, ready func(*workflowpb.PendingActivityInfo) bool,
) (found *workflowpb.PendingActivityInfo) {
	t.Helper()
	require.Eventually(t, func() bool {
		description, err := c.DescribeWorkflowExecution(t.Context(), run, "")
		if err != nil || len(description.GetPendingActivities()) == 0 {
			return false
		}
		found = description.GetPendingActivities()[0]
		return ready(found)
	}, time.Minute, 50*time.Millisecond)
	return found
}

// Temporal is told ids, labels, statuses and milliseconds, whatever happens.
func TestHistoryTellsNoSecrets(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	var firsts, attempts int
	engine := work(t, engineOn(c, namespace, core{
		first: func(string) ([]workflows.Outcome, error) {
			switch firsts++; firsts {
			case 1:
				return nil, errors.New(secret)
			case 2:
				panic(secret)
			}
			return []workflows.Outcome{retrying("dlv_1", 1, time.Millisecond)}, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) {
			switch attempts++; attempts {
			case 1:
				return workflows.Outcome{}, errors.New(secret)
			case 2:
				panic(secret)
			}
			return succeeded(id, 2), nil
		},
	}))
	require.Equal(t, []temporal.Delivery{{
		ID: "dlv_1", Outcome: temporal.Settled, Status: "succeeded", Result: "200", Attempts: 2, Millis: 12,
	}}, complete(t, engine, c, "event/1").Deliveries)
	for _, event := range history(t, c, "event/1", "").Events {
		text, err := protojson.Marshal(event)
		require.NoError(t, err)
		for _, data := range payloads(event.ProtoReflect()) {
			text = append(text, data...)
		}
		for _, word := range []string{"s3cret", "goroutine", ".go:"} {
			require.NotContains(t, string(text), word, "%s", event.GetEventType())
		}
	}
}

// Texts of any kind and length are cut to what Temporal accepts, which measures JSON.
func TestTextsAreCut(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	label := "POST example.org (" + strings.Repeat("<é\n", 300) + ")"
	var made bool
	engine := work(t, engineOn(c, namespace, core{
		first: func(string) ([]workflows.Outcome, error) {
			o := retrying("dlv_1", 1, time.Millisecond)
			o.Label = label
			return []workflows.Outcome{o}, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) {
			made = true
			return succeeded(id, 2), nil
		},
	}))
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1", Summary: label, Details: strings.Repeat(label, 30)}))
	outcome(t, c, "event/1")
	require.True(t, made)
	var summaries int
	for _, event := range history(t, c, "event/1", "").Events {
		metadata := event.GetUserMetadata()
		summaries += requireCut(t, metadata.GetSummary(), 400)
		requireCut(t, metadata.GetDetails(), 20_000)
		require.NotContains(t, string(metadata.GetSummary().GetData()), `\n`)
	}
	require.Equal(t, 2, summaries, "of the workflow and of the activity")
}

func requireCut(t *testing.T, text *commonpb.Payload, limit int) int {
	t.Helper()
	if text == nil {
		return 0
	}
	require.LessOrEqual(t, len(text.GetData()), limit)
	require.Greater(t, len(text.GetData()), limit-12)
	require.Contains(t, string(text.GetData()), "…")
	return 1
}

// Unsettled deliveries can be searched for, as many as fit in 2 KiB, and the
// settled ones beside them are not in the way.
func TestUnsettledDeliveriesCanBeSearched(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	// A namespace that has just got its attributes is given time; this clock is past it.
	engine := work(t, temporal.New(temporal.Options{
		Client: c, Namespace: namespace, Logger: quiet, Now: laterEachTime(),
		Core: core{
			first: func(run string) ([]workflows.Outcome, error) {
				outcomes := []workflows.Outcome{succeeded("dlv_settled", 1)}
				for i := range 80 {
					o := retrying(deliveryID(i), 1, time.Hour)
					if o.DestinationID = "dst_1"; i%2 == 0 {
						o.DestinationID = "dst_2"
					}
					if run == "event/1" {
						o = succeeded(deliveryID(i), 1)
					}
					outcomes = append(outcomes, o)
				}
				return outcomes, nil
			},
			attempt: func(_, id string) (workflows.Outcome, error) { return retrying(id, 1, time.Hour), nil },
		},
	}))
	complete(t, engine, c, "event/1")
	require.Nil(t, history(t, c, "event/1", "").Events[0].GetWorkflowExecutionStartedEventAttributes().GetSearchAttributes())
	require.Empty(t, upserted(t, c, "event/1"), "nothing is unsettled")

	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/1"}))
	pendingActivity(t, c, "batch/1", func(*workflowpb.PendingActivityInfo) bool { return true })
	attributes := upserted(t, c, "batch/1")
	require.JSONEq(t, `["acc_1"]`, string(attributes["AccountIds"].GetData()))
	require.JSONEq(t, `["dst_2","dst_1"]`, string(attributes["DestinationIds"].GetData()))
	ids := string(attributes["DeliveryIds"].GetData())
	require.Equal(t, 62, strings.Count(ids, "dlv_"))
	require.LessOrEqual(t, len(ids), 2048)
	require.NotContains(t, ids, "dlv_settled")
	for _, query := range []string{"DestinationIds = 'dst_1'", "AccountIds = 'acc_1'", fmt.Sprintf("DeliveryIds = '%s'", deliveryID(7))} {
		require.Eventually(t, func() bool {
			found, err := c.CountWorkflow(t.Context(), countRequest(namespace, query))
			return err == nil && found.GetCount() == 1
		}, time.Minute, 50*time.Millisecond, query)
	}
	require.NoError(t, c.TerminateWorkflow(t.Context(), "batch/1", "", "the end"))
	require.ErrorIs(t, engine.Dispatch(t.Context(), workflows.Run{ID: "batch/1"}), workflows.ErrRunClosed)
}
