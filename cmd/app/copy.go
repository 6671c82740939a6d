package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/datadir"
	"datapusher/internal/dbcopy"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
)

// Copy is the command "copy".
type Copy struct {
	From           string `required:"" placeholder:"DIR" help:"Data directory of a standalone program that has been stopped, or its SQLite database: sqlite:<file>."`
	To             string `env:"DATAPUSHER_DATABASE_URL" required:"" help:"Postgres database to fill: postgres://…, migrated and empty."`
	EncryptionKeys string `env:"DATAPUSHER_ENCRYPTION_KEYS" help:"Keys that the source was used with; of a data directory its own, unless they are given."`
	JSON           bool   `name:"json" help:"Print the result as JSON."`
}

// Run copies and prints what was copied and compared.
func (c *Copy) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, os.Stderr) }

func (c *Copy) run(ctx context.Context, out, notes io.Writer) error {
	from, keys, err := c.source()
	if err != nil {
		return err
	}
	if !database.IsPostgres(c.To) {
		return errors.New("--to has to be a Postgres database: postgres://user:password@host:5432/name?sslmode=verify-full")
	}
	box, err := secret.Open(keys)
	if err != nil {
		return fmt.Errorf("the encryption keys: %w", err)
	}
	source, err := openSource(ctx, from, box)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer source.Close()
	target, err := database.Open(ctx, c.To)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer target.Close()
	if err := target.CheckMigrated(ctx); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	began := time.Now()
	line := newStatusLine(notes)
	done, err := dbcopy.Copy(ctx, source, target, func(p dbcopy.Progress) {
		line.tell("%s %s: %d of %d rows", p.Stage, p.Table, p.Done, p.Total)
	})
	line.end()
	if ctx.Err() != nil {
		return errors.New("interrupted: what was copied stays; repeat the command to go on")
	}
	if c.JSON {
		err = errors.Join(err, writeCopiedJSON(out, done, err == nil))
	} else if len(done) > 0 {
		err = errors.Join(err, writeCopied(out, done))
	}
	if err == nil {
		fmt.Fprintf(notes, "both sides are the same, after %s. Next: start `datapusher serve --worker` on the target, with the same encryption keys; "+
			"never start the old one again\n", time.Since(began).Round(time.Millisecond))
	}
	return err
}

// source is the database to copy, and the keyset it was used with.
func (c *Copy) source() (url, keys string, err error) {
	path, isURL := strings.CutPrefix(c.From, "sqlite:")
	info, err := os.Stat(path)
	if err != nil {
		return "", "", fmt.Errorf("--from: %w", err)
	}
	if !info.IsDir() {
		if c.EncryptionKeys == "" {
			return "", "", errors.New("set --encryption-keys or DATAPUSHER_ENCRYPTION_KEYS to the keyset that the source was used with")
		}
		return "sqlite:" + path, c.EncryptionKeys, nil
	}
	if isURL {
		return "", "", errors.New("--from: sqlite: has to name a file; a data directory is given without it")
	}
	url = "sqlite:" + filepath.Join(path, datadir.Database)
	if c.EncryptionKeys != "" {
		return url, c.EncryptionKeys, nil
	}
	if keys, err = datadir.Secret(path, datadir.Keys); err != nil {
		return "", "", fmt.Errorf("the encryption keys: %w (or give them with --encryption-keys)", err)
	}
	return url, keys, nil
}

// openSource opens the source for this process alone, and finds out whether the
// schema is current and the keys are its own.
func openSource(ctx context.Context, url string, box *secret.Box) (_ *database.DB, err error) {
	db, err := database.OpenAlone(ctx, url)
	if errors.Is(err, database.ErrInUse) {
		return nil, fmt.Errorf("%w: stop the program first, and copy when it has ended", err)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := db.CheckMigrated(ctx); err != nil {
		return nil, fmt.Errorf("%w (with --database-url=%s; or start the standalone program of this version once)", err, url)
	}
	return db, rekey.Verify(ctx, db, box)
}

func writeCopied(out io.Writer, done []dbcopy.Table) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tROWS\tCOPIED NOW\tSHA-256 OF THE SOURCE\tOF THE TARGET")
	for _, t := range done {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.16s\t%.16s\n", t.Name, t.Rows, t.Copied, t.Source, t.Target)
	}
	return w.Flush()
}

func writeCopiedJSON(out io.Writer, done []dbcopy.Table, same bool) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Same   bool           `json:"same"`
		Tables []dbcopy.Table `json:"tables"`
	}{same, done})
}
