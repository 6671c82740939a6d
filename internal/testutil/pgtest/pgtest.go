// Package pgtest gives tests a real Postgres: a database of its own for each
// test, on a scratch cluster that the test process starts on demand from the
// installed binaries and that ends with it.
//
// Where [cluster.EnvShared] names a running scratch cluster, that one is used;
// `make test` starts it once for all packages through cmd/scratchpg.
// Without Postgres on the machine a test fails and says what to install; it is
// never skipped.
package pgtest

import "testing"

// URL is the URL of a new empty database. The database is dropped when the test
// ends, connections that are still open included.
//
// With [EnvKeep] set, the database of a failed test stays and its URL is logged.
func URL(t testing.TB) string {
	t.Helper()
	return shared(t).Database(t)
}

// Template is the URL of a new database that is a copy of a template, which is
// as fast as an empty one. The template is prepared once per process and name:
// prepare gets the URL of an empty database, migrates and fills it, and closes
// its connections.
func Template(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	return shared(t).Template(t, name, prepare)
}

// Lasting is the URL of a new empty database that stays as long as the cluster:
// for a server that several tests of this process share.
func Lasting(t testing.TB, name string) string {
	t.Helper()
	return shared(t).lasting(t, name)
}

// Version is the version of Postgres behind [URL] and [Template], such as "15.14".
func Version(t testing.TB) string {
	t.Helper()
	return shared(t).Version
}
