package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/datadir"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
)

// Keys is the command "keys".
type Keys struct {
	Generate KeysGenerate `cmd:"" help:"Print a new keyset, with one key."`
	List     KeysList     `cmd:"" help:"List the keys of the keyset, without what is secret of them."`
	Add      KeysAdd      `cmd:"" help:"Add a new key to the keyset. It opens and does not seal yet: every process has to know it first."`
	Promote  KeysPromote  `cmd:"" help:"Make a key of the keyset the primary, the one that seals. Every process has to know the key by then."`
	Rotate   KeysRotate   `cmd:"" help:"Seal with the primary key what other keys of the keyset have sealed, while the service runs. May be interrupted and repeated."`
	Retire   KeysRetire   `cmd:"" help:"Take a key out of the keyset. Refused while anything is sealed with it."`
}

// Keyset is where a command finds the keyset, and puts it when it has changed.
type Keyset struct {
	EncryptionKeys string `env:"DATAPUSHER_ENCRYPTION_KEYS" help:"The keyset, as datapusher keys generate prints it. A changed one is printed on standard output."`
	KeysFile       string `env:"DATAPUSHER_KEYS_FILE" type:"path" placeholder:"FILE" help:"File that holds the keyset, in place of --encryption-keys; such as ./data/keys of a standalone program. A changed keyset replaces it, readable for its owner alone."`
}

func (k Keyset) load() (string, error) {
	switch {
	case k.KeysFile != "":
		content, err := os.ReadFile(k.KeysFile)
		if err != nil {
			return "", fmt.Errorf("--keys-file: %w", err)
		}
		return strings.TrimSpace(string(content)), nil
	case k.EncryptionKeys == "":
		return "", errors.New("set --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) or --keys-file to the keyset in use")
	}
	return k.EncryptionKeys, nil
}

// store keeps a changed keyset, or prints it where it came as a value.
func (k Keyset) store(out io.Writer, keys string) error {
	if k.KeysFile == "" {
		_, err := io.WriteString(out, keys+"\n")
		return err
	}
	if err := datadir.WriteFile(k.KeysFile, []byte(keys+"\n")); err != nil {
		return fmt.Errorf("--keys-file: %w", err)
	}
	return nil
}

// where names the place of the changed keyset for a message.
func (k Keyset) where() string {
	if k.KeysFile == "" {
		return "the keyset on standard output"
	}
	return k.KeysFile
}

// Sealed is the database whose secrets a command of keys is about.
type Sealed struct {
	DatabaseURL string `name:"database-url" env:"DATAPUSHER_DATABASE_URL" help:"postgres://… or sqlite:<file>."`
}

// open opens the database, whose schema has to be current.
func (s Sealed) open(ctx context.Context) (*database.DB, error) {
	if s.DatabaseURL == "" {
		return nil, errors.New("set --database-url or DATAPUSHER_DATABASE_URL: postgres://… or sqlite:<file>")
	}
	return openMigrated(ctx, s.DatabaseURL, nil)
}

// KeysGenerate is the command "keys generate".
type KeysGenerate struct{}

// Run prints new keys.
func (KeysGenerate) Run() error {
	keys, err := secret.NewKeys()
	if err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, keys+"\n")
	return err
}

// KeysList is the command "keys list".
type KeysList struct{ Keyset }

// Run prints the keys' ids and what they are used for.
func (l *KeysList) Run() error { return l.run(os.Stdout) }

func (l *KeysList) run(out io.Writer) error {
	text, err := l.load()
	if err != nil {
		return err
	}
	keys, err := secret.Keys(text)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tUSE")
	for _, k := range keys {
		use := "opens"
		switch {
		case k.Primary:
			use = "seals and opens (primary)"
		case !k.Enabled:
			use = "none (disabled)"
		}
		fmt.Fprintf(w, "%d\t%s\n", k.ID, use)
	}
	return w.Flush()
}

// KeysAdd is the command "keys add".
type KeysAdd struct{ Keyset }

// Run adds a key.
func (a *KeysAdd) Run() error { return a.run(os.Stdout, os.Stderr) }

func (a *KeysAdd) run(out, notes io.Writer) error {
	text, err := a.load()
	if err != nil {
		return err
	}
	keys, id, err := secret.AddKey(text)
	if err != nil {
		return err
	}
	if err := a.store(out, keys); err != nil {
		return err
	}
	fmt.Fprintf(notes, "added key %d to %s. Next: start every process with it, then `keys promote %d`\n", id, a.where(), id)
	return nil
}

// KeysPromote is the command "keys promote".
type KeysPromote struct {
	Keyset
	ID uint32 `arg:"" help:"The key's id, as keys add and keys list print it."`
}

// Run makes a key the primary.
func (p *KeysPromote) Run() error { return p.run(os.Stdout, os.Stderr) }

func (p *KeysPromote) run(out, notes io.Writer) error {
	text, err := p.load()
	if err != nil {
		return err
	}
	keys, err := secret.Promote(text, p.ID)
	if err != nil {
		return err
	}
	if err := p.store(out, keys); err != nil {
		return err
	}
	fmt.Fprintf(notes, "key %d is the primary of %s. Next: start every process with it, then `keys rotate`\n", p.ID, p.where())
	return nil
}

// KeysRotate is the command "keys rotate".
type KeysRotate struct {
	Keyset
	Sealed
	DryRun bool `help:"Only count what is sealed with which key."`
}

// Run seals everything with the primary key, or counts.
func (r *KeysRotate) Run(ctx context.Context) error { return r.run(ctx, os.Stdout, os.Stderr) }

func (r *KeysRotate) run(ctx context.Context, out, notes io.Writer) error {
	text, err := r.load()
	if err != nil {
		return err
	}
	box, err := secret.Open(text)
	if err != nil {
		return err
	}
	db, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if r.DryRun {
		if err := rekey.Verify(ctx, db, box); err != nil {
			return err
		}
		return r.count(ctx, db, box, out)
	}
	if err := rekey.Check(ctx, db, box); err != nil {
		return err
	}
	began := time.Now()
	line := newStatusLine(notes)
	done, err := rekey.Rotate(ctx, db, box, func(p rekey.Progress) {
		line.tell("%s: looked at %d rows, sealed %d again", p.Column, p.Seen, p.Resealed)
	})
	line.end()
	err = errors.Join(err, report(out, done))
	if ctx.Err() != nil {
		return errors.New("interrupted: what was sealed again stays so; repeat the command to go on")
	}
	if err == nil {
		fmt.Fprintf(notes, "everything is sealed with key %d, after %s. Next: `keys retire` the others\n", box.KeyID(), time.Since(began).Round(time.Millisecond))
	}
	return err
}

// report prints what a rotation has done.
func report(out io.Writer, done []rekey.Progress) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COLUMN\tSEALED AGAIN\tCANNOT BE OPENED")
	for _, p := range done {
		broken := strconv.Itoa(p.Broken)
		if p.Broken > 0 {
			broken += " (" + strings.Join(p.BrokenIDs, ", ") + ")"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", p.Column, p.Resealed, broken)
	}
	return w.Flush()
}

// count prints how much each key has sealed.
func (r *KeysRotate) count(ctx context.Context, db *database.DB, box *secret.Box, out io.Writer) error {
	counts, err := rekey.Sealed(ctx, db)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COLUMN\tKEY\tVALUES\tROTATION")
	for _, c := range counts {
		what := "would seal them again"
		switch {
		case c.Key == box.KeyID():
			what = "leaves them"
		case !box.Opens(c.Key):
			what = "cannot open them"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", c.Column, c.Key, c.Values, what)
	}
	return w.Flush()
}

// KeysRetire is the command "keys retire".
type KeysRetire struct {
	Keyset
	Sealed
	ID uint32 `arg:"" help:"The key's id, as keys list prints it."`
}

// Run takes a key out of the keyset that nothing is sealed with.
func (r *KeysRetire) Run(ctx context.Context) error { return r.run(ctx, os.Stdout, os.Stderr) }

func (r *KeysRetire) run(ctx context.Context, out, notes io.Writer) error {
	text, err := r.load()
	if err != nil {
		return err
	}
	without, err := secret.RemoveKey(text, r.ID)
	if err != nil && !errors.Is(err, secret.ErrNoSuchKey) {
		return err
	}
	gone := err != nil
	db, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := unused(ctx, db, r.ID); err != nil {
		return err
	}
	// First, so that whatever happens in between no process is refused for the lack of it.
	expected, err := rekey.Forget(ctx, db, r.ID)
	switch {
	case err != nil:
		return err
	case gone && !expected:
		return fmt.Errorf("neither the keyset nor the database knows a key %d", r.ID)
	case gone:
		fmt.Fprintf(notes, "the keyset has no key %d any more, and the database no longer expects it\n", r.ID)
		return nil
	}
	if err := r.store(out, without); err != nil {
		return err
	}
	fmt.Fprintf(notes, "took key %d out of %s. Next: start every process with it\n", r.ID, r.where())
	return nil
}

// unused fails while anything is sealed with a key.
func unused(ctx context.Context, db *database.DB, id uint32) error {
	counts, err := rekey.Sealed(ctx, db)
	if err != nil {
		return err
	}
	counts = slices.DeleteFunc(counts, func(c rekey.Count) bool { return c.Key != id })
	if len(counts) == 0 {
		return nil
	}
	used := make([]string, len(counts))
	for i, c := range counts {
		used[i] = fmt.Sprintf("%d in %s", c.Values, c.Column)
	}
	return fmt.Errorf("key %d is still needed, for %s: `keys rotate` first, and look that no process has a keyset with it as the primary",
		id, strings.Join(used, ", "))
}
