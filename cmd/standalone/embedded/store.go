package embedded

import (
	"context"
	"strings"

	"go.temporal.io/server/common/config"
)

// store is a database that is ready for a server.
type store interface {
	name() string            // "sqlite" or "postgres"
	main() *config.SQL       // what the server runs on
	visibility() *config.SQL // what lists and searches workflows
	shards() int32           // how many history shards; fixed when the store is made
	close() error            // tidies up after the server has stopped
}

// openStore creates the store and its schema where they are missing.
func openStore(ctx context.Context, where string, logger logger) (store, error) {
	switch {
	case where == "":
		return newMemory(), nil
	case IsPostgres(where):
		return openPostgres(ctx, where, logger)
	default:
		return openSQLite(ctx, where)
	}
}

// IsPostgres tells whether a store, as named in [Options], is a Postgres URL.
func IsPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}
