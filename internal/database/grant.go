package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"datapusher/ent/action"
	"datapusher/ent/migrate"
)

// gooseTable is where the migrations that were applied are listed.
const gooseTable = "goose_db_version"

// Grant gives a role of Postgres what processes need that serve and work, and
// nothing beyond: it reads and changes rows, but adds to the audit log alone, and
// owns no table. The role has to exist, and must not be the one that migrates:
// an owner can give itself every right back. Tables of later migrations have to
// be granted again.
func (db *DB) Grant(ctx context.Context, role string) error {
	if !db.Postgres() {
		return errors.New("grant: SQLite has no roles")
	}
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var mine, its bool
	err = tx.QueryRowContext(ctx, `SELECT pg_has_role(tableowner, 'MEMBER'), pg_has_role($1::name, tableowner, 'MEMBER')
		FROM pg_tables WHERE schemaname = 'public' AND tablename = $2`, role, action.Table).Scan(&mine, &its)
	switch {
	case err != nil:
		return fmt.Errorf("grant: %w", err)
	case !mine: // Postgres would only warn that nothing was granted
		return errors.New("grant: the tables are another role's: grant as the one that migrates")
	case its:
		return fmt.Errorf("grant: %s owns the tables, or may act as the role that does: nothing can be kept from it", role)
	}
	for _, statement := range grants(role) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("grant: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}

// GrantSchema gives a role what it needs of a schema whose tables an engine has for
// itself: it reads and changes rows, and owns nothing. Repeat it when there are new tables.
func (db *DB) GrantSchema(ctx context.Context, role, schema string) error {
	if !db.Postgres() {
		return errors.New("grant: SQLite has no roles")
	}
	in, to := pq.QuoteIdentifier(schema), " TO "+pq.QuoteIdentifier(role)
	for _, statement := range []string{
		"GRANT USAGE ON SCHEMA " + in + to,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + in + to,
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + in + to,
	} {
		if _, err := db.Write.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("grant: %w", err)
		}
	}
	return nil
}

// grants are the statements of [DB.Grant].
func grants(role string) []string {
	to := " TO " + pq.QuoteIdentifier(role)
	all := []string{
		"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM " + pq.QuoteIdentifier(role),
		"GRANT USAGE ON SCHEMA public" + to,
		"GRANT SELECT ON " + gooseTable + to,
	}
	for _, t := range migrate.Tables {
		rights := "SELECT, INSERT, UPDATE, DELETE"
		if t.Name == action.Table {
			rights = "SELECT, INSERT"
		}
		all = append(all, "GRANT "+rights+" ON "+pq.QuoteIdentifier(t.Name)+to)
	}
	return all
}
