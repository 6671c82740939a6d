package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// run executes statements one after the other and returns the last one's error.
func run(t *testing.T, db *sql.DB, statements ...string) error {
	t.Helper()
	for i, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil || i == len(statements)-1 {
			require.Equal(t, len(statements)-1, i, "%s: %v", s, err)
			return err
		}
	}
	return nil
}

// Real statements fail for real.
func TestClassifyKnowsWhyAStatementFailed(t *testing.T) {
	t.Parallel()
	const (
		table   = "CREATE TABLE things (id varchar(3) PRIMARY KEY, n integer NOT NULL CHECK (n < 10), other integer UNIQUE)"
		insert  = "INSERT INTO things (id, n) VALUES ('a', 1)"
		trigger = `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`
	)
	cases := map[string]struct {
		statements []string
		postgres   bool // these alone
		sqlite     bool
		want       database.Failure
	}{
		"success":           {statements: []string{table, insert}, want: database.None},
		"primary key":       {statements: []string{table, insert, insert}, want: database.Duplicate},
		"unique":            {statements: []string{table, "INSERT INTO things VALUES ('a', 1, 1)", "INSERT INTO things VALUES ('b', 1, 1)"}, want: database.Duplicate},
		"null":              {statements: []string{table, "INSERT INTO things (id) VALUES ('a')"}, want: database.Row},
		"check":             {statements: []string{table, "INSERT INTO things (id, n) VALUES ('a', 10)"}, want: database.Row},
		"foreign key":       {statements: []string{table, "CREATE TABLE parts (of varchar(3) REFERENCES things)", "INSERT INTO parts VALUES ('x')"}, want: database.Row},
		"no such table":     {statements: []string{"INSERT INTO nothing VALUES (1)"}, want: database.Down},
		"no statement":      {statements: []string{"INSERT"}, want: database.Down},
		"too long":          {statements: []string{table, "INSERT INTO things (id, n) VALUES ('abcd', 1)"}, postgres: true, want: database.Row},
		"out of range":      {statements: []string{table, "INSERT INTO things (id, n) VALUES ('a', 1/0)"}, postgres: true, want: database.Row},
		"NUL":               {statements: []string{table, "INSERT INTO things (id, n) VALUES (convert_from('\\x00', 'UTF8'), 1)"}, postgres: true, want: database.Row},
		"serialization":     {statements: []string{"DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"}, postgres: true, want: database.Repeat},
		"out of disk":       {statements: []string{"DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"}, postgres: true, want: database.Down},
		"terminated":        {statements: []string{"SELECT pg_terminate_backend(pg_backend_pid())"}, postgres: true, want: database.Lost},
		"canceled":          {statements: []string{"SELECT pg_cancel_backend(pg_backend_pid())"}, postgres: true, want: database.Lost},
		"refused by rule P": {statements: []string{table, trigger, "CREATE TRIGGER no BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION no()", insert}, postgres: true, want: database.Row},
		"refused by rule S": {statements: []string{table, "CREATE TRIGGER no BEFORE INSERT ON things BEGIN SELECT RAISE(ABORT, 'no'); END", insert}, sqlite: true, want: database.Row},
		"too big":           {statements: []string{"CREATE TABLE blobs (b blob)", "INSERT INTO blobs VALUES (zeroblob(2000000000))"}, sqlite: true, want: database.Row},
		"not a row id":      {statements: []string{"CREATE TABLE numbers (n integer PRIMARY KEY)", "INSERT INTO numbers VALUES ('x')"}, sqlite: true, want: database.Row},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := func(t *testing.T, db *database.DB) {
				err := run(t, db.Write, c.statements...)
				require.Equal(t, c.want, database.Classify(err), "%v", err)
				if err != nil {
					require.Equal(t, c.want, database.Classify(fmt.Errorf("store it: %w", err)))
				}
			}
			switch {
			case c.postgres:
				test(t, dbtest.Postgres(t))
			case c.sqlite:
				test(t, dbtest.SQLite(t))
			default:
				dbtest.Each(t, test)
			}
		})
	}
}

func TestClassifyKnowsDeadlocksAndLocks(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		db := dbtest.Postgres(t)
		require.NoError(t, run(t, db.Write, "CREATE TABLE things (id integer PRIMARY KEY)"))
		one, err := db.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = one.Rollback() }()
		two, err := db.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = two.Rollback() }()
		insert := func(tx *sql.Tx, n int) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO things VALUES ($1)", n)
			if err != nil {
				_ = tx.Rollback()
			}
			return err
		}
		require.NoError(t, insert(one, 1))
		require.NoError(t, insert(two, 2))
		other := make(chan error, 1)
		go func() { other <- insert(one, 2) }()
		err = errors.Join(insert(two, 1), <-other) // one of them is the victim
		require.Equal(t, database.Repeat, database.Classify(err), "%v", err)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := dbtest.SQLiteURL(t)
		db, err := database.Open(t.Context(), url)
		require.NoError(t, err)
		defer db.Close()
		tx, err := db.Write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(1)")
		require.NoError(t, err)
		defer other.Close()
		_, err = other.ExecContext(t.Context(), "CREATE TABLE things (n)")
		require.Equal(t, database.Repeat, database.Classify(err), "%v", err)
	})
}

// A statement that a context ended may have been executed.
func TestClassifyOfAContextsEndIsLost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		statement := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
		if db.Postgres() {
			statement = "SELECT pg_sleep(60)"
		}
		_, err := db.Write.ExecContext(ctx, statement)
		require.Equal(t, database.Lost, database.Classify(err), "%v", err)
		_, err = db.Write.ExecContext(ctx, statement)
		require.Equal(t, database.Lost, database.Classify(err), "%v", err)
	})
}

// A connection that breaks under a statement of a sql.Conn is reported as one
// that was closed before: database/sql tries once more on it. Taken for a
// statement that was not executed, it would be executed twice.
func TestClassifyOfABrokenSingleConnectionIsLost(t *testing.T) {
	t.Parallel()
	db := dbtest.Postgres(t)
	conn, err := db.Write.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	stmt, err := conn.PrepareContext(t.Context(), "SELECT pg_backend_pid()")
	require.NoError(t, err)
	defer stmt.Close()
	var pid int
	require.NoError(t, stmt.QueryRowContext(t.Context()).Scan(&pid))
	require.NoError(t, run(t, db.Write, fmt.Sprintf("SELECT pg_terminate_backend(%d, 10000)", pid)))
	err = stmt.QueryRowContext(t.Context()).Scan(&pid)
	require.ErrorIs(t, err, sql.ErrConnDone)
	require.Equal(t, database.Lost, database.Classify(err))
}

func TestClassifyOfWhatCannotBeReached(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	_, err = database.Open(t.Context(), fmt.Sprintf("postgres://jane:hush@127.0.0.1:%d/x?sslmode=disable", port))
	require.Equal(t, database.Down, database.Classify(err), "%v", err)
	require.NotContains(t, err.Error(), "hush")
}

func TestClassifyOfEverythingElse(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]database.Failure{
		driver.ErrBadConn:   database.Lost,
		io.EOF:              database.Lost,
		io.ErrUnexpectedEOF: database.Lost,
		sql.ErrTxDone:       database.Lost,
		&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}: database.Lost,
		errors.New("nobody knows"):                    database.Lost,
		&pq.Error{}:                                   database.Down,
		&pq.Error{Code: "0"}:                          database.Down,
		&pq.Error{Code: "57P03"}:                      database.Down,
		&pq.Error{Code: "53300"}:                      database.Down,
		&pq.Error{Code: "57P05"}:                      database.Lost,
		&pq.Error{Code: "08006"}:                      database.Lost,
		&pq.Error{Code: "54000"}:                      database.Row,
		context.Canceled:                              database.Lost,
		context.DeadlineExceeded:                      database.Lost,
		driver.ErrRemoveArgument:                      database.Lost,
		errors.Join(io.EOF, io.EOF):                   database.Lost,
		fmt.Errorf("x: %w", &pq.Error{Code: "40P01"}): database.Repeat,
	} {
		require.Equal(t, want, database.Classify(err), "%v", err)
	}
}
