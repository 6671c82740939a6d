package datadir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/datadir"
)

func TestEndpointsAreThereWhileAProgramRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Zero(t, datadir.ReadEndpoints(dir))
	e := datadir.Endpoints{API: "http://127.0.0.1:8000", Temporal: "127.0.0.1:7233", TemporalUI: "http://127.0.0.1:8233"}
	require.NoError(t, e.Write(dir))
	require.Equal(t, e, datadir.ReadEndpoints(dir))
	content, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	require.NoError(t, err)
	require.JSONEq(t, `{"api": "http://127.0.0.1:8000", "temporal": "127.0.0.1:7233", "temporal_ui": "http://127.0.0.1:8233"}`, string(content))
	datadir.RemoveEndpoints(dir)
	require.Zero(t, datadir.ReadEndpoints(dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "endpoints.json"), []byte(`{"api": "http`), 0o600))
	require.Zero(t, datadir.ReadEndpoints(dir), "what cannot be read is none")
}

func TestASecretIsWithoutTheEndOfItsLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := datadir.Secret(dir, datadir.Keys)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, datadir.WriteFile(filepath.Join(dir, datadir.Keys), []byte("secret\n")))
	value, err := datadir.Secret(dir, datadir.Keys)
	require.NoError(t, err)
	require.Equal(t, "secret", value)
}

func TestAFileIsReplacedWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name, link := filepath.Join(dir, "keys"), filepath.Join(dir, "link")
	require.NoError(t, datadir.WriteFile(name, []byte("one")))
	require.NoError(t, os.Symlink("keys", link))
	require.NoError(t, datadir.WriteFile(link, []byte("two")))
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "two", string(content))
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "keys", target, "a link stays one")

	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	require.Error(t, datadir.WriteFile(filepath.Join(dir, "folder"), []byte("three")))
	require.Error(t, datadir.WriteFile(filepath.Join(dir, "none", "keys"), []byte("three")))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 3, "what failed leaves nothing behind: %v", left)
}
