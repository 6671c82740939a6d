package dbcopy_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The scratch Postgres's own connection lives as long as the process.
		goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
	)
}
