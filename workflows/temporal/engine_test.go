package temporal_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"datapusher/internal/testutil/temporaltest"
	"datapusher/workflows"
	"datapusher/workflows/enginetest"
	"datapusher/workflows/temporal"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	for _, store := range []temporaltest.Store{temporaltest.SQLite, temporaltest.Postgres} {
		t.Run("temporal-"+string(store), func(t *testing.T) {
			t.Parallel()
			server := temporaltest.Start(t, store)
			enginetest.Run(t, func(t *testing.T) enginetest.Store {
				namespace := server.Namespace(t)
				made := map[workflows.Engine]client.Client{}
				return enginetest.Store{
					Make: func(core workflows.Core) workflows.Engine {
						c := dial(t, server, namespace)
						engine := engineOn(c, namespace, core)
						made[engine] = c
						return engine
					},
					Kill: func(engine workflows.Engine) { made[engine].Close() },
					// As after the server's database was made anew.
					Wipe: func(t *testing.T) { namespace = server.Namespace(t) },
				}
			})
			t.Run("eager_start", func(t *testing.T) {
				t.Parallel()
				eagerStart(t, server)
			})
		})
	}
}

// eagerStart sees that a process that works gets a run's first task back in
// the answer to its start, and that one that only dispatches does not ask for it.
func eagerStart(t *testing.T, server *temporaltest.Server) {
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	engine := work(t, engineOn(c, namespace, core{first: func(string) ([]workflows.Outcome, error) {
		return []workflows.Outcome{succeeded("dlv_1", 1)}, nil
	}}))
	// The first run comes to an end when the worker works, however it got there.
	complete(t, engine, c, "event/1")

	complete(t, engine, c, "event/2")
	require.True(t, started(t, c, "event/2").GetEagerExecutionAccepted())

	elsewhere := engineOn(dial(t, server, namespace), namespace, nil)
	complete(t, elsewhere, c, "event/3")
	require.False(t, started(t, c, "event/3").GetEagerExecutionAccepted())
}

func TestRunURL(t *testing.T) {
	t.Parallel()
	const run = "event/evt_01J9Z3NDEKTSV4RRFFQ69G5FAV"
	require.Empty(t, temporal.New(temporal.Options{}).RunURL(t.Context(), run))
	require.Equal(t,
		"http://127.0.0.1:8233/namespaces/default/workflows/event%2Fevt_01J9Z3NDEKTSV4RRFFQ69G5FAV",
		temporal.New(temporal.Options{UIURL: "http://127.0.0.1:8233/"}).RunURL(t.Context(), run))
	require.Equal(t,
		"https://ui.example.org/temporal/namespaces/data%20pusher/workflows/batch%2F1%2F2",
		temporal.New(temporal.Options{UIURL: "https://ui.example.org/temporal", Namespace: "data pusher"}).RunURL(t.Context(), "batch/1/2"))
}
