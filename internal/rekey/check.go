package rekey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"datapusher/ent"
	"datapusher/ent/keycheck"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/secret"
	"datapusher/internal/vault"
)

// Why keys are not those of a database.
var (
	// ErrMissingKey says that the keyset lacks a key.
	ErrMissingKey = errors.New("an encryption key is missing")
	// ErrWrongKey says that a key of the keyset has the id of another one.
	ErrWrongKey = errors.New("an encryption key is another one than it was")
)

const (
	// checkColumn is what checks are bound to, beside the id of their key.
	checkColumn = "key_checks.sealed"
	checkText   = "datapusher"
)

// recent bounds the events whose values are looked at: few have any, and there may
// be very many. Those of older ones have been under a key whose check is known.
const recent = 10_000

// Check finds out whether the keys are those of the database, and has the database
// remember the primary. It fails with [ErrMissingKey] and [ErrWrongKey], in words for
// the operator. The schema has to be current.
//
// A process that fails here would make deliveries fail one by one instead, or seal
// what no other process can open.
func Check(ctx context.Context, db *database.DB, box *secret.Box) error {
	if err := Verify(ctx, db, box); err != nil {
		return err
	}
	id := keyName(box.KeyID())
	known, err := db.Ent.KeyCheck.Query().Where(keycheck.ID(id)).Exist(auth.AsSystem(ctx))
	if err != nil || known {
		return err
	}
	sealed, err := box.Seal([]byte(checkText), checkColumn, id)
	if err != nil {
		return err
	}
	err = db.Ent.KeyCheck.Create().SetID(id).SetSealed(sealed).Exec(auth.AsSystem(ctx))
	first := !ent.IsConstraintError(err) // or another process has remembered it
	if first && err != nil {
		return err
	}
	// Processes with other keys may have started in the same moment.
	if err := Verify(ctx, db, box); err != nil {
		if first {
			_, forgot := Forget(ctx, db, box.KeyID())
			err = errors.Join(err, forgot)
		}
		return err
	}
	return nil
}

// Verify is [Check] without a trace in the database.
func Verify(ctx context.Context, db *database.DB, box *secret.Box) error {
	checks, err := db.Ent.KeyCheck.Query().Order(keycheck.ByCreatedAt()).All(auth.AsSystem(ctx))
	if err != nil {
		return fmt.Errorf("read the checks of the encryption keys: %w", err)
	}
	var proven []uint32
	for _, c := range checks {
		id, err := strconv.ParseUint(c.ID, 10, 32)
		if err != nil {
			continue // of another kind, from a newer program
		}
		key := uint32(id)
		if !box.Opens(key) {
			return missing(key)
		}
		if _, err := box.Open(c.Sealed, checkColumn, c.ID); err != nil {
			return wrong(key)
		}
		proven = append(proven, key)
	}
	for _, c := range vault.Columns() {
		if err := verifyColumn(ctx, db, box, c, proven); err != nil {
			return err
		}
	}
	return nil
}

// verifyColumn looks at a value or two of each key that has sealed some. Those of
// keys that were proven right already are not opened: a value that was tampered with
// says nothing about the keys.
func verifyColumn(ctx context.Context, db *database.DB, box *secret.Box, c vault.Column, proven []uint32) error {
	from := c.Table
	if c.Table == "events" {
		from = fmt.Sprintf("(SELECT id, %s FROM events ORDER BY id DESC LIMIT %d) e", c.Name, recent)
	}
	samples, err := values(ctx, db, "SELECT t.id, t.account_id, t."+c.Name+" FROM "+c.Table+" t JOIN (SELECT min(id) AS a, max(id) AS z FROM "+
		from+" WHERE "+present(c)+" GROUP BY "+prefix(c)+") s ON t.id IN (s.a, s.z) ORDER BY t.id")
	if err != nil {
		return fmt.Errorf("look at what is sealed in %s: %w", c, err)
	}
	opened := slices.Clone(proven)
	var suspects []uint32
	for _, v := range samples {
		id, ok := secret.KeyIDOf(v.sealed)
		switch {
		case !ok: // garbage, which no key is to blame for
		case !box.Opens(id):
			return missing(id)
		case slices.Contains(opened, id):
		default:
			if _, err := box.Open(v.sealed, c.String(), v.id, v.account); err == nil {
				opened = append(opened, id)
			} else {
				suspects = append(suspects, id)
			}
		}
	}
	for _, id := range suspects {
		if !slices.Contains(opened, id) {
			return wrong(id)
		}
	}
	return nil
}

func missing(id uint32) error {
	return fmt.Errorf("%w: secrets in this database are sealed with key %d, and --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) has no such key. "+
		"Start with the keyset that has it. If it was taken out after a rotation, `datapusher keys retire %d` says whether anything still needs it, "+
		"and has the database forget it where nothing does", ErrMissingKey, id, id)
}

func wrong(id uint32) error {
	return fmt.Errorf("%w: key %d of --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) does not open what the key with that id has sealed in this database. "+
		"Start with the keyset that this database was used with", ErrWrongKey, id)
}

// Forget has the database no longer expect a key. It returns false where it did not.
func Forget(ctx context.Context, db *database.DB, id uint32) (bool, error) {
	n, err := db.Ent.KeyCheck.Delete().Where(keycheck.ID(keyName(id))).Exec(auth.AsSystem(ctx))
	return n > 0, err
}

func keyName(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
