package temporaltest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAServerThatTheEnvironmentNamesIsUsed(t *testing.T) {
	running := Start(t, SQLite)
	t.Setenv(EnvPostgres, running.Address)
	s, err := start(Postgres, "")
	require.NoError(t, err)
	require.Equal(t, &Server{Address: running.Address, Version: running.Version, connection: s.connection}, s)

	t.Setenv(EnvPostgres, "127.0.0.1:1")
	_, err = start(Postgres, "")
	require.ErrorContains(t, err, "the Temporal server at 127.0.0.1:1")
}

func TestNamespacesAreNamedAfterTheirTests(t *testing.T) {
	t.Parallel()
	a, b := namespaceName("TestSomething/on SQLite"), namespaceName("TestSomething/on SQLite")
	require.NotEqual(t, a, b)
	require.Regexp(t, `^testsomething-on-sqlite-[a-z0-9]{10}$`, a)
}
