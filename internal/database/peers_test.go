package database_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
)

func TestPeersOfAURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][]string{
		"sqlite:/tmp/x.db":                                     nil,
		"nonsense":                                             nil,
		"postgres://u:p@db.internal/x":                         {"db.internal:5432"},
		"postgresql://u:p@10.1.2.3:6543/x":                     {"10.1.2.3:6543"},
		"postgres://u@[fd00::5]:5433/x":                        {"[fd00::5]:5433"},
		"postgres:///x":                                        {"localhost:5432"},
		"postgres:///x?host=/run/postgresql":                   nil,
		"postgres:///x?host=/run/postgresql,db&port=5432,5433": {"db:5433"},
		"postgres://u@pool/x?port=6432":                        {"pool:6432"},
	} {
		require.Equal(t, want, database.Peers(url), url)
	}
}
