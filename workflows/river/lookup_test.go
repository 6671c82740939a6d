package river_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
	"datapusher/workflows/river"
)

// TestWhereAJobIs: who has its page, and which runs River carries.
func TestWhereAJobIs(t *testing.T) {
	t.Parallel()
	db := dial(t, migrated(t))
	plain := engineOn(t, db, nil)
	engine, err := river.New(river.Options{DB: db, UIURL: "https://jobs.example.org/river/", Logger: slog.New(slog.DiscardHandler), Core: &core{
		first: func(context.Context, string) ([]workflows.Outcome, error) { return nil, nil },
	}})
	require.NoError(t, err)
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/ended"}))
	atWork := func() bool {
		yes, err := plain.AtWork(t.Context())
		require.NoError(t, err)
		return yes
	}
	require.False(t, atWork())
	stop := work(t, engine)
	require.Eventually(t, atWork, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool { return closed(t, engine, "event/ended") }, time.Minute, 50*time.Millisecond)
	require.NoError(t, stop())
	require.False(t, atWork(), "it has said that it ends")
	require.NoError(t, engine.Dispatch(t.Context(), workflows.Run{ID: "event/1"}))
	commit(t, engine, db, "true", workflows.Run{ID: "batch/1"}, time.Hour)
	require.NoError(t, engine.Wake(t.Context(), "destination/1"))

	for _, run := range []string{"event/ended", "event/1", "batch/1", "destination/1"} {
		require.Regexp(t, `^https://jobs\.example\.org/river/jobs/\d+$`, engine.RunURL(t.Context(), run), run)
		require.Empty(t, plain.RunURL(t.Context(), run), "there is no UI")
	}
	require.Empty(t, engine.RunURL(t.Context(), "event/unknown"))
	held, err := engine.Holds(t.Context(), []string{"event/ended", "event/1", "batch/1", "event/unknown", "event/\"2\\"})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"event/1": true, "batch/1": true}, held)
}
