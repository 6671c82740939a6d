package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
)

// rotator is an installation whose keys are rotated: a database with one sealed
// value, and the keyset in a file or as a value.
type rotator struct {
	url  string
	file string // "": as a value
	keys string
}

func (r *rotator) keyset() Keyset {
	if r.file != "" {
		return Keyset{KeysFile: r.file, EncryptionKeys: "of the environment, which a file wins over"}
	}
	return Keyset{EncryptionKeys: r.keys}
}

// changed takes over what a command printed, or wrote.
func (r *rotator) changed(t *testing.T, printed string) {
	t.Helper()
	if r.file == "" {
		r.keys = strings.TrimSpace(printed)
		return
	}
	require.Empty(t, printed, "a keyset of a file is not printed")
	content, err := os.ReadFile(r.file)
	require.NoError(t, err)
	r.keys = strings.TrimSpace(string(content))
	info, err := os.Stat(r.file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(r.file))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside it")
}

var idPattern = regexp.MustCompile(`\d+`)

// firstID finds the id in a message.
func firstID(t *testing.T, message string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(idPattern.FindString(message), 10, 32)
	require.NoError(t, err, message)
	return uint32(n)
}

func (r *rotator) list(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, (&KeysList{r.keyset()}).run(&out))
	require.NotContains(t, out.String(), r.keys)
	return out.String()
}

// start is what each process does with the keys.
func (r *rotator) start(t *testing.T) error {
	t.Helper()
	db, err := database.Open(t.Context(), r.url)
	require.NoError(t, err)
	defer db.Close()
	box, err := secret.Open(r.keys)
	require.NoError(t, err)
	return rekey.Check(t.Context(), db, box)
}

// The whole of a rotation, step by step as an operator takes them.
func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"value", "file"} {
		for dialect, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL} {
			t.Run(where+" "+dialect, func(t *testing.T) {
				t.Parallel()
				r := &rotator{url: url(t)}
				var err error
				r.keys, err = secret.NewKeys()
				require.NoError(t, err)
				if where == "file" {
					r.file = filepath.Join(t.TempDir(), "keys")
					require.NoError(t, os.WriteFile(r.file, []byte(r.keys+"\n"), 0o644))
				}
				r.plant(t)
				r.rotate(t)
			})
		}
	}
}

// plant stores a destination whose secrets are sealed.
func (r *rotator) plant(t *testing.T) {
	t.Helper()
	require.NoError(t, r.start(t))
	db, err := database.Open(t.Context(), r.url)
	require.NoError(t, err)
	defer db.Close()
	box, err := secret.Open(r.keys)
	require.NoError(t, err)
	system, account, self := auth.AsSystem(t.Context()), id.New(id.Account, time.Now()), id.New(id.Destination, time.Now())
	db.Ent.Account.Create().SetID(account).SetName("Jane").SetEmail("jane@example.com").ExecX(system)
	headers, err := vault.SealHeaders(box, self, account, []sender.Header{{Name: "X-Key", Value: "planted-marker"}})
	require.NoError(t, err)
	secrets, err := vault.SealSecrets(box, self, account, []vault.SigningSecret{{Key: []byte("planted-marker")}})
	require.NoError(t, err)
	db.Ent.Destination.Create().SetID(self).SetAccountID(account).SetURL("https://example.com").
		SetHeaders(headers).SetSigningSecrets(secrets).ExecX(system)
}

func (r *rotator) rotate(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	target := Sealed{r.url}
	var out, notes bytes.Buffer
	reset := func() {
		out.Reset()
		notes.Reset()
	}
	first := firstID(t, r.list(t))

	require.NoError(t, (&KeysAdd{r.keyset()}).run(&out, &notes))
	second := firstID(t, notes.String())
	require.Contains(t, notes.String(), fmt.Sprintf("`keys promote %d`", second))
	r.changed(t, out.String())
	require.Regexp(t, fmt.Sprintf(`%d +seals and opens \(primary\)\n%d +opens\n`, first, second), r.list(t))
	require.NoError(t, r.start(t))

	reset()
	require.NoError(t, (&KeysPromote{r.keyset(), second}).run(&out, &notes))
	r.changed(t, out.String())
	require.Regexp(t, fmt.Sprintf(`%d +opens\n%d +seals and opens \(primary\)\n`, first, second), r.list(t))
	require.NoError(t, r.start(t))

	reset()
	err := (&KeysRetire{r.keyset(), target, first}).run(ctx, &out, &notes)
	require.ErrorContains(t, err, fmt.Sprintf("key %d is still needed, for 1 in destinations.headers, 1 in destinations.signing_secrets", first))
	err = (&KeysRetire{r.keyset(), target, second}).run(ctx, &out, &notes)
	require.ErrorIs(t, err, secret.ErrPrimaryKey)
	require.Empty(t, out.String())

	require.NoError(t, (&KeysRotate{r.keyset(), target, true}).run(ctx, &out, &notes))
	require.Regexp(t, fmt.Sprintf(`destinations.headers +%d +1 +would seal them again`, first), out.String())
	reset()
	require.NoError(t, (&KeysRotate{r.keyset(), target, false}).run(ctx, &out, &notes))
	require.Regexp(t, `destinations.headers +1 +0\ndestinations.signing_secrets +1 +0\nevents.headers +0 +0\n`, out.String())
	require.Contains(t, notes.String(), fmt.Sprintf("everything is sealed with key %d", second))
	reset()
	require.NoError(t, (&KeysRotate{r.keyset(), target, true}).run(ctx, &out, &notes))
	require.Regexp(t, fmt.Sprintf(`destinations.headers +%d +1 +leaves them`, second), out.String())

	reset()
	require.NoError(t, (&KeysRetire{r.keyset(), target, first}).run(ctx, &out, &notes))
	r.changed(t, out.String())
	require.NotContains(t, r.list(t), fmt.Sprint(first))
	require.NoError(t, r.start(t))
	err = (&KeysRetire{r.keyset(), target, first}).run(ctx, &out, &notes)
	require.ErrorContains(t, err, "neither the keyset nor the database knows")
}

func TestAKeyThatWasTakenOutByHand(t *testing.T) {
	t.Parallel()
	r := &rotator{url: dbtest.SQLiteURL(t)}
	var err error
	r.keys, err = secret.NewKeys()
	require.NoError(t, err)
	require.NoError(t, r.start(t))
	first := firstID(t, r.list(t))
	r.keys, err = secret.NewKeys()
	require.NoError(t, err)
	require.ErrorIs(t, r.start(t), rekey.ErrMissingKey)
	var out, notes bytes.Buffer
	require.NoError(t, (&KeysRetire{r.keyset(), Sealed{r.url}, first}).run(t.Context(), &out, &notes))
	require.Empty(t, out.String(), "the keyset has not changed")
	require.Contains(t, notes.String(), "no longer expects it")
	require.NoError(t, r.start(t))
}

func TestCommandsOfKeysNeedAKeyset(t *testing.T) {
	t.Parallel()
	var out, notes bytes.Buffer
	missing := filepath.Join(t.TempDir(), "keys")
	for name, run := range map[string]func(Keyset) error{
		"list":    func(k Keyset) error { return (&KeysList{k}).run(&out) },
		"add":     func(k Keyset) error { return (&KeysAdd{k}).run(&out, &notes) },
		"promote": func(k Keyset) error { return (&KeysPromote{k, 1}).run(&out, &notes) },
		"retire":  func(k Keyset) error { return (&KeysRetire{k, Sealed{}, 1}).run(t.Context(), &out, &notes) },
		"rotate":  func(k Keyset) error { return (&KeysRotate{k, Sealed{}, false}).run(t.Context(), &out, &notes) },
	} {
		require.ErrorContains(t, run(Keyset{}), "or --keys-file to the keyset in use", name)
		require.ErrorIs(t, run(Keyset{EncryptionKeys: "planted-marker"}), secret.ErrBadKeys, name)
		require.ErrorIs(t, run(Keyset{KeysFile: missing}), os.ErrNotExist, name)
	}
	require.NoFileExists(t, missing)
	require.Empty(t, out.String()+notes.String())
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	for _, run := range []func(Keyset) error{
		func(k Keyset) error { return (&KeysRotate{k, Sealed{}, false}).run(t.Context(), &out, &notes) },
		func(k Keyset) error { return (&KeysRetire{k, Sealed{}, 1}).run(t.Context(), &out, &notes) },
	} {
		require.ErrorContains(t, run(Keyset{EncryptionKeys: keys}), "set --database-url")
	}
}

// Wrong keys stop a process before it does anything, after the migrations.
func TestAProcessWithWrongKeysDoesNotStart(t *testing.T) {
	t.Parallel()
	for dialect, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			r := &rotator{url: url(t)}
			var err error
			r.keys, err = secret.NewKeys()
			require.NoError(t, err)
			r.plant(t)
			other, err := secret.NewKeys()
			require.NoError(t, err)
			c := Config{
				DatabaseURL: r.url, EncryptionKeys: other, AdminToken: strings.Repeat("x", minAdminToken), AllowCIDRs: "none",
				Listen: "127.0.0.1:0", DisableAfter: time.Hour, Engine: "temporal", FirstAttempt: "commit", Migrate: true, LogFormat: "json",
				NAT64Prefixes: "none", TrustedProxies: "none", MaxConnections: 100, IdempotencyTTL: time.Hour, AllowUnsafe: true,
			}
			seedFile := filepath.Join(t.TempDir(), "db.sqlite3")
			require.NoError(t, os.WriteFile(seedFile, nil, 0o600))
			for name, start := range map[string]func() error{
				"serve":  func() error { _, err := Start(t.Context(), c, Options{}); return err },
				"worker": func() error { return Work(t.Context(), c) },
				"rotate": func() error {
					return (&KeysRotate{Keyset{EncryptionKeys: other}, Sealed{r.url}, false}).run(t.Context(), &bytes.Buffer{}, &bytes.Buffer{})
				},
				"rotate --dry-run": func() error {
					return (&KeysRotate{Keyset{EncryptionKeys: other}, Sealed{r.url}, true}).run(t.Context(), &bytes.Buffer{}, &bytes.Buffer{})
				},
				"import": func() error {
					return (&ImportSeed{Database: Database{r.url}, EncryptionKeys: other, File: seedFile}).Run(t.Context())
				},
			} {
				err := start()
				require.ErrorIs(t, err, rekey.ErrMissingKey, name)
				require.ErrorContains(t, err, fmt.Sprintf("key %d,", firstID(t, r.list(t))), name)
			}
		})
	}
}

func TestTheCommandsOfKeysAreRead(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]func(k Keys) bool{
		"keys generate":                                 func(Keys) bool { return true },
		"keys list --keys-file=/k":                      func(k Keys) bool { return k.List.KeysFile == "/k" },
		"keys add --encryption-keys=a":                  func(k Keys) bool { return k.Add.EncryptionKeys == "a" },
		"keys promote 4294967295":                       func(k Keys) bool { return k.Promote.ID == 4294967295 },
		"keys retire 17 --database-url=sqlite:x":        func(k Keys) bool { return k.Retire.ID == 17 && k.Retire.DatabaseURL == "sqlite:x" },
		"keys rotate --dry-run --database-url=sqlite:x": func(k Keys) bool { return k.Rotate.DryRun },
	} {
		var commands struct {
			Keys Keys `cmd:""`
		}
		parser, err := kong.New(&commands)
		require.NoError(t, err)
		_, err = parser.Parse(strings.Fields(args))
		require.NoError(t, err, args)
		require.True(t, want(commands.Keys), args)
	}
}
