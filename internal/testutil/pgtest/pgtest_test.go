package pgtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
)

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// execute runs a statement on a connection of its own.
func execute(url, statement string) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

func TestEachCallGivesAnEmptyDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := pgtest.URL(t), pgtest.URL(t)
	for _, u := range []string{a, b} {
		require.NoError(t, execute(u, "CREATE TABLE mine (n int)"))
		parsed, err := url.Parse(u)
		require.NoError(t, err)
		require.Equal(t, "postgres", parsed.Scheme)
		require.Equal(t, "disable", parsed.Query().Get("sslmode"))
		require.True(t, strings.HasPrefix(parsed.Path, "/testeachcallgives"), parsed.Path)
	}
	require.Regexp(t, `^\d+(\.\d+)?$`, pgtest.Version(t))
}

func TestTheDatabaseGoesWithItsTest(t *testing.T) {
	t.Parallel()
	var gone string
	var leaked *sql.DB
	t.Run("test", func(t *testing.T) {
		gone = pgtest.URL(t)
		leaked, _ = sql.Open("postgres", gone)
		require.NoError(t, leaked.Ping())
	})
	require.ErrorContains(t, execute(gone, "SELECT 1"), "does not exist")
	require.NoError(t, leaked.Close())
}

func TestALastingDatabaseOutlivesItsTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("test", func(t *testing.T) { url = pgtest.Lasting(t, "shared server") })
	require.Contains(t, url, "/shared_server_")
	require.NoError(t, execute(url, "SELECT 1"))
}

func TestATemplateIsPreparedOnceAndCopied(t *testing.T) {
	t.Parallel()
	var prepared atomic.Int32
	prepare := func(url string) error {
		prepared.Add(1)
		// A connection that is forgotten must not keep the template from being copied.
		db, err := sql.Open("postgres", url)
		if err != nil {
			return err
		}
		_, err = db.Exec("CREATE TABLE items AS SELECT 1 AS n")
		return err
	}
	var wg sync.WaitGroup
	urls := make([]string, 8)
	for i := range urls {
		wg.Go(func() { urls[i] = pgtest.Template(t, "items", prepare) })
	}
	wg.Wait()
	require.EqualValues(t, 1, prepared.Load())
	for i, url := range urls {
		db := open(t, url)
		_, err := db.Exec("INSERT INTO items VALUES ($1)", i)
		require.NoError(t, err)
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM items").Scan(&n))
		require.Equal(t, 2, n, "another test's rows are not seen")
	}
}

func TestATemplateThatCannotBePreparedFailsEachTest(t *testing.T) {
	t.Parallel()
	for range 2 {
		f := &fakeTest{TB: t}
		f.run(func() {
			pgtest.Template(f, "broken", func(string) error { return errors.New("a broken migration") })
		})
		require.Contains(t, f.fatal, "prepare the template broken: a broken migration")
	}
}

func TestAFailedTestsDatabaseStaysOnDemand(t *testing.T) {
	t.Setenv(pgtest.EnvKeep, "1")
	var kept, log, dir string
	t.Run("failed test", func(t *testing.T) {
		s := pgtest.Start(t, nil)
		var data string
		require.NoError(t, open(t, s.URL()).QueryRow("SHOW data_directory").Scan(&data))
		dir = filepath.Dir(data)

		passed := &fakeTest{TB: t}
		gone := s.Database(passed)
		passed.end()
		require.ErrorContains(t, execute(gone, "SELECT 1"), "does not exist")

		failed := &fakeTest{TB: t, failed: true}
		kept = s.Database(failed)
		failed.end()
		log = failed.log
	})
	require.Contains(t, log, kept)
	require.NoError(t, execute(kept, "SELECT 1"), "the server outlives its owner")

	command := regexp.MustCompile(`remove its server with: (.*)\)`).FindStringSubmatch(log)
	require.NotNil(t, command, log)
	out, err := exec.Command("sh", "-c", command[1]).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoDirExists(t, dir)
}

func TestAServerOfOnesOwnStopsAndStarts(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, map[string]string{"max_connections": "12"})
	u := s.Template(t, "own", func(url string) error { return execute(url, "CREATE TABLE items ()") })
	require.NoError(t, execute(u, "SELECT * FROM items"))
	s.Stop(t, "fast")
	require.Error(t, execute(u, "SELECT 1"))
	s.Start(t)
	require.NoError(t, execute(u, "SELECT * FROM items"))
	require.Equal(t, pgtest.Version(t), s.Version)
}

// fakeTest is a test whose end and outcome the real test decides.
type fakeTest struct {
	testing.TB
	failed     bool
	log, fatal string
	cleanups   []func()
}

func (f *fakeTest) Failed() bool               { return f.failed }
func (f *fakeTest) Cleanup(c func())           { f.cleanups = append(f.cleanups, c) }
func (f *fakeTest) Logf(s string, args ...any) { f.log += fmt.Sprintf(s, args...) }
func (f *fakeTest) Fatalf(s string, a ...any)  { f.fatal = fmt.Sprintf(s, a...); panic(f) }
func (f *fakeTest) end() {
	for _, c := range f.cleanups {
		c()
	}
}

// run calls what may end the test early.
func (f *fakeTest) run(test func()) {
	defer func() {
		if r := recover(); r != nil && r != any(f) {
			panic(r)
		}
	}()
	test()
}
