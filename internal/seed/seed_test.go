package seed_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	entaccount "datapusher/ent/account"
	entdestination "datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/pusher"
	"datapusher/internal/secret"
	"datapusher/internal/seed"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
)

const (
	ann = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bD1fG"
	bob = "Zz3dE5gH7jK9mN1pQ3sT5vW7yZ9bD1fG"
)

// django is what the seed system's migrations leave behind, with its neighbours.
const django = `
CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL);
CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "email" varchar(254) NOT NULL);
CREATE TABLE "server_account" ("account_id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "account_name" varchar(100) NOT NULL,
  "email" varchar(254) NOT NULL UNIQUE, "website" varchar(200) NULL, "secret_token" varchar(32) NOT NULL);
CREATE TABLE "server_destination" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "url" varchar(200) NOT NULL,
  "http_method" varchar(10) NOT NULL, "headers" text NOT NULL,
  "account_id" bigint NOT NULL REFERENCES "server_account" ("account_id"));
INSERT INTO server_account VALUES (3, 'Ann', 'Ann@example.com', 'https://ann.example.com', '` + ann + `'), (7, 'Bob', 'bob@example.com', NULL, '` + bob + `'),
  (8, 'No mail', 'nonsense', NULL, 'cC3dE5gH7jK9mN1pQ3sT5vW7yZ9bD1fG');
INSERT INTO server_destination VALUES
  (1, 'https://ann.example.com/in', 'POST', '{"APP_ID": "1234", "N": 7, "Host": "evil", "ACTION": "user.update"}', 3),
  (2, 'https://ann.example.com/get', 'get', '{}', 3),
  (4, 'ftp://ann.example.com/', 'POST', '{}', 3),
  (5, 'https://bob.example.com/', 'PUT', 'nonsense', 7),
  (6, 'https://gone.example.com/', 'PUT', '{}', 8);`

func seedFile(t *testing.T, statements string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "db.sqlite3")
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.Exec(statements)
	require.NoError(t, err)
	return file
}

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	keys, err := secret.NewKeys()
	require.NoError(t, err)
	box, err := secret.Open(keys)
	require.NoError(t, err)
	return box
}

func TestImport(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		box, file := newBox(t), seedFile(t, django)
		before, err := os.ReadFile(file)
		require.NoError(t, err)

		report, err := seed.Import(t.Context(), db, box, file)
		require.NoError(t, err)
		require.Equal(t, seed.Count{Added: 2, Refused: 1}, report.Accounts)
		require.Equal(t, seed.Count{Added: 2, Refused: 3}, report.Destinations)
		text := strings.Join(report.Problems, "\n")
		for _, said := range []string{"account 8", "destination 4", "url", "destination 5", "no JSON object", "Host"} {
			require.Contains(t, text, said)
		}
		require.NotContains(t, text, ann)

		ctx := auth.AsSystem(t.Context())
		a := db.Ent.Account.Query().Where(entaccount.SeedID(3)).OnlyX(ctx)
		require.Equal(t, "ann@example.com", a.Email)
		v, err := auth.NewAuthenticator(db.Ent, auth.Options{}).Authenticate(t.Context(), ann)
		require.NoError(t, err, "the old token goes on to work")
		require.Equal(t, a.ID, v.AccountID)
		require.True(t, v.Can(auth.Ingest))

		d := db.Ent.Destination.Query().Where(entdestination.SeedID(1)).OnlyX(ctx)
		headers, err := vault.OpenHeaders(box, d.ID, a.ID, d.Headers)
		require.NoError(t, err)
		require.Equal(t, []sender.Header{{Name: "APP_ID", Value: "1234"}, {Name: "N", Value: "7"}, {Name: "ACTION", Value: "user.update"}}, headers)
		secrets, err := vault.OpenSecrets(box, d.ID, a.ID, d.SigningSecrets)
		require.NoError(t, err)
		require.Len(t, secrets, 1)
		require.Equal(t, entdestination.HTTPMethodGet, db.Ent.Destination.Query().Where(entdestination.SeedID(2)).OnlyX(ctx).HTTPMethod)

		noted := map[string]string{}
		for _, done := range db.Ent.Action.Query().AllX(ctx) {
			require.Equal(t, "system", done.Actor)
			require.Empty(t, done.Before)
			noted[string(done.Kind)+" "+done.SubjectID] = string(done.After)
		}
		require.Len(t, noted, 4, "two accounts and two destinations")
		require.Equal(t, `{"email":"ann@example.com","name":"Ann","website":"https://ann.example.com"}`, noted["IMPORT "+a.ID])
		require.Equal(t, `{"headers":{"ACTION":"set","APP_ID":"set","N":"set"},"httpMethod":"POST","signingAlgorithm":"HMAC_SHA256",`+
			`"signingSecret":"set","url":"https://ann.example.com/in"}`, noted["IMPORT "+d.ID])

		t.Run("again changes nothing", func(t *testing.T) {
			again, err := seed.Import(t.Context(), db, box, file)
			require.NoError(t, err)
			require.Equal(t, seed.Count{Present: 2, Refused: 1}, again.Accounts)
			require.Equal(t, seed.Count{Present: 2, Refused: 3}, again.Destinations)
			require.Equal(t, 2, db.Ent.Account.Query().CountX(ctx))
			require.Equal(t, 4, db.Ent.Action.Query().CountX(ctx))
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, before, after, "the file is only read")
		})
		t.Run("what was deleted here stays deleted", func(t *testing.T) {
			p := pusher.New(pusher.Options{DB: db, Box: box})
			require.NoError(t, p.DeleteDestination(ctx, pusher.DeleteDestinationInput{ID: d.ID}))
			bobs := db.Ent.Account.Query().Where(entaccount.SeedID(7)).OnlyX(ctx)
			require.NoError(t, p.DeleteAccount(ctx, pusher.DeleteAccountInput{ID: bobs.ID}))
			again, err := seed.Import(t.Context(), db, box, file)
			require.NoError(t, err)
			require.Equal(t, seed.Count{Present: 1, Refused: 2}, again.Accounts)
			require.Contains(t, strings.Join(again.Problems, "\n"), "deleted since")
			require.Equal(t, 1, db.Ent.Destination.Query().CountX(ctx))
		})
	})
}

func TestImportOfKeysThatAreNoIntegers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		file := seedFile(t, `
CREATE TABLE "a" ("id" char(32) NOT NULL PRIMARY KEY, "account_name" text, "email" text, "website" text, "secret_token" text);
CREATE TABLE "d" ("destination_id" char(32) NOT NULL PRIMARY KEY, "account" char(32), "url" text, "http_method" text, "headers" text);
INSERT INTO a VALUES ('f47ac10b', 'Ann', 'ann@example.com', '', '`+ann+`');
INSERT INTO d VALUES ('9b2d', 'f47ac10b', 'https://ann.example.com/', 'POST', '{"A": "b"}'), ('9b2e', 'nobody', 'https://x.example.com/', 'POST', '{}');`)
		for i, want := range []seed.Count{{Added: 1, Refused: 1}, {Present: 1, Refused: 1}} {
			report, err := seed.Import(t.Context(), db, newBox(t), file)
			require.NoError(t, err)
			require.Equal(t, want, report.Destinations)
			require.Equal(t, i == 0, strings.Contains(strings.Join(report.Problems, "\n"), "no integer"))
		}
	})
}

func TestAnotherAccountsEmailIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		box := newBox(t)
		_, _, err := pusher.New(pusher.Options{DB: db, Box: box}).
			CreateAccount(auth.AsSystem(t.Context()), pusher.CreateAccountInput{Name: "Ann of ours", Email: "ann@example.com"})
		require.NoError(t, err)
		report, err := seed.Import(t.Context(), db, box, seedFile(t, django))
		require.NoError(t, err)
		require.Equal(t, seed.Count{Added: 1, Refused: 2}, report.Accounts)
		require.Contains(t, strings.Join(report.Problems, "\n"), "another account has its e-mail address")
	})
}

func TestFilesThatAreNoSeed(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	noDatabase := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(noDatabase, bytes.Repeat([]byte("no database "), 1000), 0o600))
	for name, file := range map[string]string{
		"no database": noDatabase,
		"missing":     filepath.Join(t.TempDir(), "missing"),
		"no tables":   seedFile(t, `CREATE TABLE x (y)`),
		"two tables":  seedFile(t, django+`CREATE TABLE copy_account AS SELECT * FROM server_account;`),
	} {
		_, err := seed.Import(context.Background(), db, newBox(t), file)
		require.Error(t, err, name)
		t.Log(name, err)
	}
}

func TestTheReportIsForReading(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := seed.Report{Accounts: seed.Count{Added: 1}, Destinations: seed.Count{Refused: 2}, Problems: []string{"destination 4: why"}}
	require.NoError(t, r.Write(&out))
	require.Equal(t, "destination 4: why\naccounts:     1 added, 0 already there, 0 not taken over\ndestinations: 0 added, 0 already there, 2 not taken over\n", out.String())
}
