package migrations_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"datapusher/ent/migrations"
	"datapusher/internal/database"
	"datapusher/internal/testutil/pgtest"
)

// excused are the changes that are not safe by the rules below and were made all the
// same, by file and finding, each with its reason. A migration of a release that
// somebody runs gets none for what the release before depends on: it is done in two
// releases, the first of which no longer uses what the second takes away.
var excused = map[string]map[string]string{
	"20261124160732_delivery_that_can_be_steered.sql": {
		"deliveries: the index delivery_retrying is built while nobody can write": unreleased,
		"events: the index event_replay_id is built while nobody can write":       unreleased,
		"events: the index event_replay_of is built while nobody can write":       unreleased,
	},
	"20261124193027_fewer_indexes.sql": {
		"attempts: the index attempt_delivery_id is gone":                             "its rows are a range of the primary key",
		"deliveries: the index delivery_event_id is gone":                             "its rows are a range of the primary key",
		"events: the index event_replay_id is gone":                                   "event_replay_id_id has taken its place",
		"deliveries: the index delivery_unsuccessful is built while nobody can write": unreleased,
		"events: the index event_replay_id_id is built while nobody can write":        unreleased,
	},
	"20261124222518_security.sql": {
		"actions: account_id may be null": "only a version that knows sessions writes such, and those of others are not among the rows of any account",
	},
	"20261124223600_append_only_actions.sql": {
		"actions: the trigger actions_append_only is new": "it refuses what no version does",
		"actions: the trigger actions_not_emptied is new": "it refuses what no version does",
	},
}

const unreleased = "it is older than the first release: nobody has a table of any size without it"

// TestAMigrationIsSafeWhileTheVersionBeforeRuns: during an upgrade, and after one that
// was taken back, processes of the version before work on the newer schema. Their
// statements have to go on working, and none may wait for long. Postgres itself is
// asked what each file has changed; how long it waits for a lock is in
// internal/database. SQLite serves one process alone, so there it cannot happen.
func TestAMigrationIsSafeWhileTheVersionBeforeRuns(t *testing.T) {
	t.Parallel()
	files, err := migrations.FS(dialect.Postgres)
	require.NoError(t, err)
	db, err := database.Open(t.Context(), pgtest.URL(t))
	require.NoError(t, err)
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db.Write, files, goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	used := 0
	for before := catalogOf(t, db); ; {
		done, err := p.UpByOne(t.Context())
		if errors.Is(err, goose.ErrNoNextVersion) {
			break
		}
		require.NoError(t, err)
		text, err := fs.ReadFile(files, done.Source.Path)
		require.NoError(t, err)
		after := catalogOf(t, db)
		for _, found := range unsafe(before, after, !strings.Contains(string(text), "+goose NO TRANSACTION")) {
			if excused[done.Source.Path][found] == "" {
				t.Errorf("%s: %s.\nWhile it is applied, and after, processes of the version before work: see \"Upgrades\" in docs/OPERATIONS.md", done.Source.Path, found)
				continue
			}
			used++
		}
		before = after
	}
	for _, all := range excused {
		used -= len(all)
	}
	require.Zero(t, used, "an excuse is needed no more")
}

// catalog is a schema as Postgres tells it.
type catalog struct {
	tables      map[string]string   // the file that has its rows
	columns     map[string]column   // by table and name
	indexes     map[string][]string // table, definition, "unique" or ""
	constraints map[string]string   // definition, by table and name; without primary keys and NOT NULL
	triggers    map[string]bool     // by table and name
}

type column struct {
	kind            string
	notNull, filled bool // filled: it has a default
}

func catalogOf(t *testing.T, db *database.DB) catalog {
	t.Helper()
	c := catalog{
		tables: map[string]string{}, columns: map[string]column{}, indexes: map[string][]string{},
		constraints: map[string]string{}, triggers: map[string]bool{},
	}
	each := func(query string, take func(f []string)) {
		t.Helper()
		rows, err := db.Read.QueryContext(t.Context(), query)
		require.NoError(t, err)
		defer rows.Close()
		names, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			found, into := make([]string, len(names)), make([]any, len(names))
			for i := range found {
				into[i] = &found[i]
			}
			require.NoError(t, rows.Scan(into...))
			take(found)
		}
		require.NoError(t, rows.Err())
	}
	const ours = ` FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
		%s WHERE c.relkind IN ('r', 'p') AND c.relname <> 'goose_db_version' `
	each(fmt.Sprintf(`SELECT c.relname, pg_relation_filenode(c.oid)::text`+ours, ""), func(f []string) { c.tables[f[0]] = f[1] })
	each(fmt.Sprintf(`SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || coalesce(' ' || l.collname, ''),
			a.attnotnull::text, a.atthasdef::text`+ours,
		`JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_collation l ON l.oid = a.attcollation`),
		func(f []string) { c.columns[f[0]+"."+f[1]] = column{f[2], f[3] == "true", f[4] == "true"} })
	each(fmt.Sprintf(`SELECT i.relname, c.relname, pg_get_indexdef(i.oid), CASE WHEN x.indisunique THEN 'unique' ELSE '' END`+ours,
		`JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid`),
		func(f []string) { c.indexes[f[0]] = f[1:] })
	each(fmt.Sprintf(`SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)`+ours,
		`JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('c', 'f', 'u', 'x')`),
		func(f []string) { c.constraints[f[0]+"."+f[1]] = f[2] })
	each(fmt.Sprintf(`SELECT c.relname, g.tgname`+ours, `JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal`),
		func(f []string) { c.triggers[f[0]+"."+f[1]] = true })
	return c
}

// unsafe lists what a change of the schema does to processes of the version before.
// Whatever happens to a table that the change itself has made is safe.
func unsafe(before, after catalog, transaction bool) (found []string) {
	tell := func(table, format string, args ...any) {
		if _, was := before.tables[table]; was {
			found = append(found, table+": "+fmt.Sprintf(format, args...))
		}
	}
	for table, file := range before.tables {
		switch now, is := after.tables[table]; {
		case !is:
			tell(table, "the table is gone, or has another name")
		case now != file:
			tell(table, "the whole table is written anew while nobody can use it")
		}
	}
	for name, was := range before.columns {
		table, column, _ := strings.Cut(name, ".")
		now, is := after.columns[name]
		if _, there := after.tables[table]; !there {
			continue
		}
		switch {
		case !is:
			tell(table, "%s is gone, or has another name", column)
		case now.kind != was.kind:
			tell(table, "%s is %s and was %s", column, now.kind, was.kind)
		case now.notNull && !was.notNull:
			tell(table, "%s may not be null any more", column)
		case !now.notNull && was.notNull:
			tell(table, "%s may be null", column) // which who reads it has not expected
		case was.filled && !now.filled:
			tell(table, "%s has no default any more", column)
		}
	}
	for name, now := range after.columns {
		table, column, _ := strings.Cut(name, ".")
		if _, was := before.columns[name]; !was && now.notNull && !now.filled {
			tell(table, "%s is new and has to be given, which the version before does not", column)
		}
	}
	for name, was := range before.indexes {
		if _, is := after.indexes[name]; !is && after.tables[was[0]] != "" {
			tell(was[0], "the index %s is gone", name)
		}
	}
	for name, now := range after.indexes {
		was, had := before.indexes[name]
		switch {
		case had && was[1] != now[1]:
			tell(now[0], "the index %s is another", name)
		case had:
		case now[2] == "unique":
			tell(now[0], "the index %s is new and refuses rows", name)
		case transaction: // CREATE INDEX CONCURRENTLY is not possible there
			tell(now[0], "the index %s is built while nobody can write", name)
		}
	}
	for name, now := range after.constraints {
		if table, constraint, _ := strings.Cut(name, "."); before.constraints[name] != now {
			tell(table, "the constraint %s is new and refuses rows", constraint)
		}
	}
	for name := range after.triggers {
		if table, trigger, _ := strings.Cut(name, "."); !before.triggers[name] {
			tell(table, "the trigger %s is new", trigger)
		}
	}
	slices.Sort(found)
	return found
}

// The rules see what they are there for.
func TestWhatIsUnsafeWhileTheVersionBeforeRuns(t *testing.T) {
	t.Parallel()
	const schema = `
		CREATE TABLE things (id text PRIMARY KEY, size int NOT NULL DEFAULT 0, name text NOT NULL, note text, kind varchar(10));
		CREATE INDEX things_name ON things (name);
		CREATE UNIQUE INDEX things_kind ON things (kind);
		CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`
	for statement, want := range map[string]string{
		`ALTER TABLE things ADD COLUMN more text`:                                          "",
		`ALTER TABLE things ADD COLUMN more text NOT NULL DEFAULT 'x'`:                     "",
		`CREATE TABLE others (id text PRIMARY KEY); CREATE UNIQUE INDEX ON others (id)`:    "",
		`CREATE INDEX CONCURRENTLY things_note ON things (note)`:                           "",
		`ALTER TABLE things DROP COLUMN note`:                                              "things: note is gone, or has another name",
		`ALTER TABLE things RENAME COLUMN note TO remark`:                                  "things: note is gone, or has another name",
		`ALTER TABLE things RENAME TO objects`:                                             "things: the table is gone, or has another name",
		`DROP TABLE things`:                                                                "things: the table is gone, or has another name",
		`ALTER TABLE things ALTER COLUMN note TYPE varchar(5)`:                             "things: note is character varying(5) default and was text default; things: the whole table is written anew while nobody can use it",
		`ALTER TABLE things ALTER COLUMN kind TYPE varchar(20)`:                            "things: kind is character varying(20) default and was character varying(10) default",
		`ALTER TABLE things ALTER COLUMN note SET NOT NULL`:                                "things: note may not be null any more",
		`ALTER TABLE things ALTER COLUMN name DROP NOT NULL`:                               "things: name may be null",
		`ALTER TABLE things ALTER COLUMN size DROP DEFAULT`:                                "things: size has no default any more",
		`ALTER TABLE things ADD COLUMN more text NOT NULL`:                                 "things: more is new and has to be given, which the version before does not",
		`ALTER TABLE things ADD COLUMN more uuid DEFAULT gen_random_uuid()`:                "things: the whole table is written anew while nobody can use it",
		`DROP INDEX things_name`:                                                           "things: the index things_name is gone",
		`DROP INDEX things_kind; CREATE UNIQUE INDEX things_kind ON things (kind, note)`:   "things: the index things_kind is another",
		`CREATE INDEX things_note ON things (note)`:                                        "things: the index things_note is built while nobody can write",
		`CREATE UNIQUE INDEX things_note ON things (note)`:                                 "things: the index things_note is new and refuses rows",
		`ALTER TABLE things ADD CONSTRAINT small CHECK (size < 9)`:                         "things: the constraint small is new and refuses rows",
		`CREATE TRIGGER t BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION nothing()`: "things: the trigger t is new",
	} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			db, err := database.Open(t.Context(), pgtest.URL(t))
			require.NoError(t, err)
			defer db.Close()
			_, err = db.Write.ExecContext(t.Context(), schema)
			require.NoError(t, err)
			before := catalogOf(t, db)
			_, err = db.Write.ExecContext(t.Context(), statement)
			require.NoError(t, err)
			found := unsafe(before, catalogOf(t, db), !strings.Contains(statement, "CONCURRENTLY"))
			require.Equal(t, want, strings.Join(found, "; "))
		})
	}
}
