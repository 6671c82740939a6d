package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrNotDurable says that the database may forget what it has committed.
var ErrNotDurable = errors.New("the database does not keep what it commits")

// durable are the settings of Postgres behind the promise of a commit. All but
// synchronous_commit can only be off for the whole server; that can be off for the
// role or the database as well.
var durable = []string{"fsync", "full_page_writes", "synchronous_commit"}

// CheckDurable fails with [ErrNotDurable] when Postgres is set to lose what it has
// committed in a crash, and says which settings do so. What an answer promises is
// only as durable as the commit behind it. SQLite's settings are our own.
func (db *DB) CheckDurable(ctx context.Context) error {
	if !db.Postgres() {
		return nil
	}
	rows, err := db.Read.QueryContext(ctx, "SELECT name || '=' || current_setting(name) FROM unnest($1::text[]) name WHERE current_setting(name) = 'off'",
		Array(durable))
	if err != nil {
		return fmt.Errorf("read the settings of the database: %w", err)
	}
	defer rows.Close()
	var off []string
	for rows.Next() {
		var setting string
		if err := rows.Scan(&setting); err != nil {
			return fmt.Errorf("read the settings of the database: %w", err)
		}
		off = append(off, setting)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the settings of the database: %w", err)
	}
	if len(off) > 0 {
		return fmt.Errorf("%w: %s. Events that were answered with 202 would be lost when its machine crashes. "+
			"Switch it on in postgresql.conf, or for the role or database where it was set off there", ErrNotDurable, strings.Join(off, ", "))
	}
	return nil
}
