package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"datapusher/bench/stack"
	"datapusher/faults/rig"
	"datapusher/internal/database"
)

// rows are faults of what is stored.
var rows = []rig.Scenario{
	{
		Name: "poison", Fault: "for 8 s each: a signing secret that does not open, a method and a state of a newer version; two events whose own headers do not open",
		Run: poison,
	},
	{
		Name: "migration", Fault: "SIGKILL of migrate up in the middle of it, until it gets through", Run: killMigrations, Check: migratedAlike,
	},
}

// poison spoils rows of destinations while they are in use, and mends them.
func poison(ctx context.Context, r *rig.Rig) error {
	for _, one := range []struct{ name, destination, column, value string }{
		{"a secret does not open", "well", "signing_secrets", `'\x00'`},
		{"a method of a newer version", "well-2", "http_method", `'QUERY'`},
		{"a state of a newer version", "flaky", "state", `'THROTTLED'`},
	} {
		if err := spoil(ctx, r, one.name, r.Destination(one.destination).ID, one.column, one.value); err != nil {
			return err
		}
	}
	return spoilEvents(ctx, r)
}

func spoil(ctx context.Context, r *rig.Rig, name, id, column, value string) error {
	defer r.Inject(name, false)()
	tx, err := r.DB.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var was any
	if err := tx.QueryRowContext(ctx, "SELECT "+column+" FROM destinations WHERE id = $1 FOR UPDATE", id).Scan(&was); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE destinations SET "+column+" = "+value+" WHERE id = $1", id); err != nil {
		return err
	}
	if err := errors.Join(tx.Commit(), r.Sleep(ctx, 8*time.Second)); err != nil {
		return err
	}
	_, err = r.DB.Write.ExecContext(ctx, "UPDATE destinations SET "+column+" = $2 WHERE id = $1", id, was)
	return err
}

// spoilEvents has the oldest events that are parked for a destination have headers
// that nobody can open, and lets the destination drain: what is behind them has to
// arrive all the same.
func spoilEvents(ctx context.Context, r *rig.Rig) error {
	end := r.Inject("an event's own headers do not open", false)
	if err := errors.Join(r.Pause(ctx, "well"), r.Sleep(ctx, 3*time.Second)); err != nil {
		return err
	}
	spoiled, err := r.DB.Write.ExecContext(ctx, `
UPDATE events SET headers = '\x00' WHERE id IN (
  SELECT event_id FROM deliveries WHERE destination_id = $1 AND status = 'PARKED' ORDER BY id LIMIT 2)`, r.Destination("well").ID)
	if err != nil {
		return err
	}
	if n, err := spoiled.RowsAffected(); err != nil || n != 2 {
		return errors.Join(fmt.Errorf("%d events were parked", n), err)
	}
	if err := r.Resume(ctx, "well"); err != nil {
		return err
	}
	const patience = 30 * time.Second
	for until := time.Now().Add(patience); ; {
		var parked, waiting int
		err := r.DB.Read.QueryRowContext(ctx, `
SELECT count(*) FILTER (WHERE status = 'PARKED'), count(*) FILTER (WHERE status = 'RETRYING' AND reason = 'internal_error')
FROM deliveries WHERE destination_id = $1`, r.Destination("well").ID).Scan(&parked, &waiting)
		if err != nil {
			return err
		}
		if parked == 0 && waiting == 2 {
			break
		}
		if time.Now().After(until) {
			return fmt.Errorf("%d are parked behind %d that cannot be sent", parked, waiting)
		}
		if err := r.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	end()
	_, err = r.DB.Write.ExecContext(ctx, `UPDATE events SET headers = NULL WHERE headers = '\x00'`)
	return err
}

// migrated is the name of the database on which migrations are killed.
const migrated = "migrated"

// killMigrations has each statement of a migration take its time, and kills the
// process that migrates, later each time.
func killMigrations(ctx context.Context, r *rig.Rig) error {
	if _, err := r.DB.Write.ExecContext(ctx, "CREATE DATABASE "+migrated); err != nil {
		return err
	}
	at, err := r.Stack.DatabaseURLOf(migrated)
	if err != nil {
		return err
	}
	slow := []string{
		`CREATE FUNCTION take_your_time() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); END $$`,
		`CREATE EVENT TRIGGER slow ON ddl_command_end EXECUTE FUNCTION take_your_time()`,
	}
	if err := on(ctx, at, slow...); err != nil {
		return err
	}
	c := stack.Command{Name: "migrate", Args: []string{"migrate", "up"}, Env: []string{"DATAPUSHER_DATABASE_URL=" + at, "DATAPUSHER_ENGINE=" + r.Engine}}
	for n := 1; ; n++ {
		short, cancel := context.WithTimeout(ctx, time.Duration(n)*200*time.Millisecond)
		err := r.Stack.Run(short, c)
		killed := short.Err() != nil
		cancel()
		switch {
		case err == nil:
			return on(ctx, at, `DROP EVENT TRIGGER slow`, `DROP FUNCTION take_your_time`)
		case !killed || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		}
		r.Inject("migrate up was killed", false)()
	}
}

// on executes statements on a database.
func on(ctx context.Context, at string, statements ...string) error {
	db, err := database.Open(ctx, at)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Write.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// migratedAlike says that the schema is the same as where nobody was killed.
func migratedAlike(ctx context.Context, r *rig.Rig) error {
	at, err := r.Stack.DatabaseURLOf(migrated)
	if err != nil {
		return err
	}
	other, err := database.Open(ctx, at)
	if err != nil {
		return err
	}
	defer other.Close()
	if err := other.CheckMigrated(ctx); err != nil {
		return err
	}
	want, err := schema(ctx, r.DB)
	if err != nil {
		return err
	}
	got, err := schema(ctx, other)
	if err != nil {
		return err
	}
	if got != want {
		return errors.New("the schema differs from one that was migrated at once")
	}
	return nil
}

// schema is everything that a database is made of, as one text.
func schema(ctx context.Context, db *database.DB) (text string, err error) {
	err = db.Read.QueryRowContext(ctx, `
SELECT string_agg(line, E'\n' ORDER BY line) FROM (
  SELECT concat_ws(' ', 'column', table_schema, table_name, column_name, data_type, is_nullable, column_default, collation_name)
  FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
  UNION ALL SELECT concat_ws(' ', 'index', schemaname, indexdef) FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
  UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid <> 0
  UNION ALL SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(' ', 'function', p.oid::regprocedure, md5(prosrc)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
) s (line)`).Scan(&text)
	return text, err
}
