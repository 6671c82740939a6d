package river_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/workflows/river"
)

func TestRiversLogIsShort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	engine, err := river.New(river.Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	require.NoError(t, err)
	log := river.Logger(engine).With("client", "a").Handler()
	begin := time.Now()
	say := func(after time.Duration, level slog.Level, message string) {
		if log.Enabled(t.Context(), level) {
			require.NoError(t, log.Handle(context.WithoutCancel(t.Context()), slog.NewRecord(begin.Add(after), level, message, 0)))
		}
	}
	say(0, slog.LevelInfo, "batch")
	say(0, slog.LevelError, "no-fetch")
	say(9*time.Second, slog.LevelError, "no-fetch")
	say(9*time.Second, slog.LevelWarn, "slow")
	say(10*time.Second, slog.LevelError, "no-fetch")
	require.NotContains(t, out.String(), "batch")
	require.Equal(t, 2, bytes.Count(out.Bytes(), []byte("no-fetch")), out.String())
	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("msg=slow")), out.String())
	require.Equal(t, 3, bytes.Count(out.Bytes(), []byte("from=river client=a")), out.String())
}
