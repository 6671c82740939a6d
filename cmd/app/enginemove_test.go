package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/cmd/app"
	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
	"datapusher/workflows/river"
)

// What a move needs is said before anything moves.
func TestAMoveSaysWhatIsMissing(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nobody is there
	move := func(url, to string) error {
		return (&app.EngineMove{Database: app.Database{DatabaseURL: url}, To: to, Wait: time.Second}).Run(t.Context())
	}
	require.ErrorContains(t, move("sqlite:"+t.TempDir()+"/test.db", "river"), "has to be postgres://")
	url := dbtest.PostgresURL(t)
	require.ErrorContains(t, move(url, "river"), "datapusher migrate up --engine=river")
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = river.Migrate(t.Context(), db.Write)
	require.NoError(t, err)
	require.ErrorContains(t, move(url, "temporal"), "temporal cannot be reached")
	require.NoError(t, move(url, "river"), "there is nothing to move")
}
