package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/datadir"
	"datapusher/internal/dbcopy"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/testutil/dbtest"
)

// dataDir is one of a standalone program that has ended, with its keys.
func dataDir(t *testing.T) (dir, keys string) {
	t.Helper()
	url := dbtest.SQLiteURL(t)
	dir = filepath.Dir(strings.TrimPrefix(url, "sqlite:"))
	file := filepath.Join(dir, datadir.Database)
	require.NoError(t, os.Rename(strings.TrimPrefix(url, "sqlite:"), file))
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, datadir.Keys), []byte(keys+"\n"), 0o600))
	box, err := secret.Open(keys)
	require.NoError(t, err)
	db, err := database.Open(t.Context(), "sqlite:"+file)
	require.NoError(t, err)
	require.NoError(t, rekey.Check(t.Context(), db, box))
	require.NoError(t, db.Close())
	return dir, keys
}

func (c Copy) try(t *testing.T) (out, notes string, err error) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "notes")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	var buffer bytes.Buffer
	err = c.run(t.Context(), &buffer, file)
	said, readErr := os.ReadFile(file.Name())
	require.NoError(t, readErr)
	return buffer.String(), string(said), err
}

func TestCopyTakesTheKeysOfTheDataDirectory(t *testing.T) {
	t.Parallel()
	dir, keys := dataDir(t)
	out, notes, err := Copy{From: dir, To: dbtest.PostgresURL(t)}.try(t)
	require.NoError(t, err)
	require.Regexp(t, `(?m)^key_checks +1 +1 +([0-9a-f]{16}) +[0-9a-f]{16}$`, out)
	require.Contains(t, notes, "both sides are the same")

	out, _, err = Copy{From: "sqlite:" + filepath.Join(dir, datadir.Database), EncryptionKeys: keys, To: dbtest.PostgresURL(t), JSON: true}.try(t)
	require.NoError(t, err)
	var result struct {
		Same   bool
		Tables []dbcopy.Table
	}
	require.NoError(t, json.Unmarshal([]byte(out), &result), out)
	require.True(t, result.Same)
	require.NotEmpty(t, result.Tables)
}

func TestCopyRefusesBeforeItCopies(t *testing.T) {
	t.Parallel()
	dir, keys := dataDir(t)
	file := "sqlite:" + filepath.Join(dir, datadir.Database)
	others, err := secret.NewKeys()
	require.NoError(t, err)
	empty := t.TempDir()
	unmigrated := filepath.Join(t.TempDir(), "x.db")
	made, err := database.Open(t.Context(), "sqlite:"+unmigrated)
	require.NoError(t, err)
	require.NoError(t, made.Close())
	target := dbtest.PostgresURL(t)
	for what, c := range map[string]struct {
		Copy
		says string
	}{
		"no source":            {Copy{From: filepath.Join(empty, "none"), To: target}, "--from: stat"},
		"no database":          {Copy{From: empty, To: target, EncryptionKeys: keys}, "no such file"},
		"no keys":              {Copy{From: empty, To: target}, "or give them with --encryption-keys"},
		"a file without keys":  {Copy{From: file, To: target}, "DATAPUSHER_ENCRYPTION_KEYS"},
		"a URL of a directory": {Copy{From: "sqlite:" + dir, To: target}, "has to name a file"},
		"other keys":           {Copy{From: dir, To: target, EncryptionKeys: others}, "an encryption key is missing"},
		"garbage for keys":     {Copy{From: dir, To: target, EncryptionKeys: "x"}, "the encryption keys: "},
		"another SQLite":       {Copy{From: dir, To: "sqlite:x"}, "--to has to be a Postgres database"},
		"an old source":        {Copy{From: "sqlite:" + unmigrated, To: target, EncryptionKeys: keys}, "--from: "},
	} {
		out, _, err := c.try(t)
		require.ErrorContains(t, err, c.says, what)
		require.Empty(t, out, what)
	}
	running, err := database.Open(t.Context(), file)
	require.NoError(t, err)
	defer running.Close()
	require.NoError(t, running.CheckMigrated(t.Context())) // as every process does at its start
	_, _, err = Copy{From: dir, To: target}.try(t)
	require.ErrorIs(t, err, database.ErrInUse)
	require.ErrorContains(t, err, "stop the program first")

	to, err := database.Open(t.Context(), target)
	require.NoError(t, err)
	defer to.Close()
	require.NoError(t, dbcopy.CheckEnded(t.Context(), to), "nothing of all that has marked the target")
}

// TestNothingStartsOnAHalfCopy: neither a process nor a command that writes.
func TestNothingStartsOnAHalfCopy(t *testing.T) {
	t.Parallel()
	url := dbtest.PostgresURL(t)
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Write.ExecContext(t.Context(), `CREATE TABLE unfinished_copy ()`)
	require.NoError(t, err)
	_, err = openMigrated(t.Context(), url, nil)
	require.ErrorIs(t, err, dbcopy.ErrUnfinished)
	_, err = db.Write.ExecContext(t.Context(), `DROP TABLE unfinished_copy`)
	require.NoError(t, err)
	again, err := openMigrated(t.Context(), url, nil)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
