// Package rekey keeps the encryption keys and what is sealed in the database
// together: it checks at the start that the keys are the right ones, counts what is
// sealed with which, and seals with the primary key what another one sealed.
//
// A sealed value names its key in clear, in its first bytes, so SQL finds what a key
// has sealed without opening anything.
package rekey

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"datapusher/internal/database"
	"datapusher/internal/secret"
	"datapusher/internal/vault"
)

const (
	// window is how many rows a statement looks at: none of them takes long, however
	// many rows there are.
	window = 500
	// passes over a column: the second finds nothing, unless something is sealed with
	// another key meanwhile.
	passes = 5
	// maxBroken bounds the names in a report.
	maxBroken = 10
)

// ErrRestless says that a rotation does not come to an end.
var ErrRestless = errors.New("values are still being sealed with another key than the primary: " +
	"a process runs with a keyset from before `keys promote`; start it again with the new one, then rotate again")

// Box is the keyset that values come under. It is *secret.Box.
type Box interface {
	vault.Box
	KeyID() uint32 // the primary's
}

// Progress is how far the rotation of a column is.
type Progress struct {
	Column   vault.Column
	Seen     int // rows looked at, in this pass
	Resealed int // values that were sealed again, in all passes
	// Broken values open with no key of the keyset: they were so before, and are left
	// as they are. The ids are those of the first few rows.
	Broken    int
	BrokenIDs []string
}

// Rotate seals with the box's primary key everything that another key of the keyset
// sealed, while processes work on the same rows: a row that somebody changes at that
// moment keeps the change, and is looked at once more. What it has done is done, so
// after a crash it is called again and goes on with the rest. It returns what became
// of each column; tell is told after each step, and may be nil.
//
// The error is [ErrRestless] where values under other keys keep coming, and tells of
// values that cannot be opened after everything else was done.
func Rotate(ctx context.Context, db *database.DB, box Box, tell func(Progress)) ([]Progress, error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	var (
		all    []Progress
		broken int
	)
	for _, column := range vault.Columns() {
		r := rotation{db: db, box: box, tell: tell, p: Progress{Column: column}}
		err := r.run(ctx)
		all = append(all, r.p)
		if err != nil {
			return all, fmt.Errorf("%s: %w", column, err)
		}
		broken += r.p.Broken
	}
	if broken > 0 {
		return all, fmt.Errorf("%d values cannot be opened: they were changed, or their key is lost; "+
			"give their destinations new headers or signing secrets", broken)
	}
	return all, nil
}

// rotation is that of one column.
type rotation struct {
	db   *database.DB
	box  Box
	tell func(Progress)
	p    Progress
}

func (r *rotation) run(ctx context.Context) error {
	for range passes {
		r.p.Seen, r.p.Broken, r.p.BrokenIDs = 0, 0, nil
		found, err := r.pass(ctx)
		if err != nil || found == 0 {
			return err
		}
	}
	return ErrRestless
}

// pass goes by id through the rows that are there when it begins, and returns how
// many of them were not under the primary and could be. What comes meanwhile is the
// next pass's: one would never end where rows keep coming.
func (r *rotation) pass(ctx context.Context) (found int, err error) {
	var end sql.NullString
	if err := r.db.Read.QueryRowContext(ctx, "SELECT max(id) FROM "+r.p.Column.Table).Scan(&end); err != nil {
		return 0, err
	}
	for after := ""; ; {
		last, n, err := r.window(ctx, after, end.String)
		if err != nil || n == 0 {
			return found, err
		}
		rows, err := r.others(ctx, after, last)
		if err != nil {
			return found, err
		}
		for _, one := range rows {
			ok, err := r.reseal(ctx, one)
			if err != nil {
				return found, err
			}
			if ok {
				found++
			}
		}
		after = last
		r.p.Seen += n
		r.tell(r.p)
	}
}

// window finds the end of the next rows.
func (r *rotation) window(ctx context.Context, after, end string) (last string, n int, err error) {
	var id sql.NullString
	err = r.db.Read.QueryRowContext(ctx, "SELECT max(id), count(*) FROM (SELECT id FROM "+r.p.Column.Table+
		" WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) w", after, end, window).Scan(&id, &n)
	return id.String, n, err
}

// value is one that a key has sealed.
type value struct {
	id, account string
	sealed      []byte
}

// others reads what is not under the primary.
func (r *rotation) others(ctx context.Context, after, last string) ([]value, error) {
	return values(ctx, r.db, "SELECT id, account_id, "+r.p.Column.Name+" FROM "+r.p.Column.Table+
		" WHERE id > $1 AND id <= $2 AND "+present(r.p.Column)+" AND "+prefix(r.p.Column)+" <> $3 ORDER BY id",
		after, last, secret.Prefix(r.box.KeyID()))
}

// reseal seals one value again, unless it has changed since it was read. It reports
// false for what cannot be opened.
func (r *rotation) reseal(ctx context.Context, v value) (bool, error) {
	again, err := vault.Reseal(r.box, r.p.Column, v.id, v.account, v.sealed)
	if errors.Is(err, secret.ErrForged) || errors.Is(err, secret.ErrUnknownKey) {
		if r.p.Broken++; r.p.Broken <= maxBroken {
			r.p.BrokenIDs = append(r.p.BrokenIDs, v.id)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// One statement for each: it locks one row for as long as it takes, and cannot
	// be in the way of those that lock several. Nothing is said in updated_at, since
	// nothing has changed for the owner.
	//nolint:gosec // G202: names of our own columns
	result, err := r.db.Write.ExecContext(ctx, "UPDATE "+r.p.Column.Table+" SET "+r.p.Column.Name+" = $1 WHERE id = $2 AND "+
		r.p.Column.Name+" = $3", again, v.id, v.sealed)
	if database.Classify(err) == database.Repeat {
		return true, nil // the next pass finds it
	}
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	r.p.Resealed += int(n)
	return true, err
}

// present holds for rows that have a value in the column.
func present(c vault.Column) string { return c.Name + " IS NOT NULL AND length(" + c.Name + ") > 0" }

// prefix is the part of a value that names its key.
func prefix(c vault.Column) string {
	return fmt.Sprintf("substr(%s, 1, %d)", c.Name, len(secret.Prefix(0)))
}

func values(ctx context.Context, db *database.DB, query string, args ...any) ([]value, error) {
	rows, err := db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []value
	for rows.Next() {
		var v value
		if err := rows.Scan(&v.id, &v.account, &v.sealed); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// Count is how many values of a column a key has sealed.
type Count struct {
	Column vault.Column
	Key    uint32 // 0: what is stored names no key
	Values int
}

// Sealed counts what is sealed with which key. It reads every row.
func Sealed(ctx context.Context, db *database.DB) ([]Count, error) {
	var all []Count
	for _, c := range vault.Columns() {
		found, err := counts(ctx, db, c)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", c, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func counts(ctx context.Context, db *database.DB, c vault.Column) ([]Count, error) {
	//nolint:gosec // G202: names of our own columns
	rows, err := db.Read.QueryContext(ctx, "SELECT "+prefix(c)+", count(*) FROM "+c.Table+" WHERE "+present(c)+" GROUP BY 1 ORDER BY 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Count
	for rows.Next() {
		var begins []byte
		one := Count{Column: c}
		if err := rows.Scan(&begins, &one.Values); err != nil {
			return nil, err
		}
		one.Key = keyOf(begins)
		all = append(all, one)
	}
	return all, rows.Err()
}

// keyOf is the key that the first bytes of a value name; 0: none.
func keyOf(begins []byte) uint32 {
	if len(begins) != len(secret.Prefix(0)) {
		return 0
	}
	id := binary.BigEndian.Uint32(begins[1:])
	if !bytes.Equal(begins, secret.Prefix(id)) {
		return 0
	}
	return id
}
