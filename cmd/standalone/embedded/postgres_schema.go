package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	v12 "go.temporal.io/server/schema/postgresql/v12"
	"go.temporal.io/server/tools/common/schema"
	tool "go.temporal.io/server/tools/sql"
)

// The server's own schemas.
const (
	mainSchema              = "postgresql/v12/temporal"
	mainSchemaVersion       = v12.Version
	visibilitySchema        = "postgresql/v12/visibility"
	visibilitySchemaVersion = v12.VisibilityVersion
)

// ensureSchema makes the schema of an empty database and brings that of an
// older server up to date.
func ensureSchema(ctx context.Context, database *config.SQL, name, version string, logger logger) error {
	db, err := database.Connect(database)
	if err != nil {
		return err
	}
	var exists bool
	err = db.GetContext(ctx, &exists, "SELECT to_regclass('schema_version') IS NOT NULL")
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if exists {
		return updateSchema(database, name, version, logger)
	}
	return createSchema(database, name, version, logger)
}

// createSchema makes a schema in one transaction, so that a crash leaves none
// rather than half of one, which no further start could repair. The tool knows
// no transactions, but what it does goes through the one connection it is given.
func createSchema(database *config.SQL, name, version string, logger logger) error {
	inTransaction := *database
	var only *sqlx.DB
	inTransaction.Connect = func(*config.SQL) (*sqlx.DB, error) {
		if only != nil {
			return nil, errors.New("the connection was lost")
		}
		db, err := database.Connect(database)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1)
		only = db
		return db, nil
	}
	connection, err := tool.NewConnection(&inTransaction, logger)
	if err != nil {
		return err
	}
	defer connection.Close() // rolls back what is not committed
	if err := connection.Exec("BEGIN"); err != nil {
		return err
	}
	setup := &schema.SetupConfig{SchemaName: name, InitialVersion: version}
	if err := schema.NewSetupSchemaTask(connection, setup, logger).Run(); err != nil {
		return fmt.Errorf("create %s %s: %w", name, version, err)
	}
	return connection.Exec("COMMIT")
}

// updateSchema runs the updates that the database has not seen. They create
// indexes without locking, which no transaction allows; the tool skips what an
// interrupted update has done already.
func updateSchema(database *config.SQL, name, version string, logger logger) error {
	connection, err := tool.NewConnection(database, logger)
	if err != nil {
		return err
	}
	defer connection.Close()
	current, err := connection.ReadSchemaVersion()
	if err != nil {
		return err
	}
	if current == version {
		return nil
	}
	update := &schema.UpdateConfig{SchemaName: name, TargetVersion: version}
	if err := schema.NewUpdateSchemaTask(connection, update, logger).Run(); err != nil {
		return fmt.Errorf("update %s from %s to %s: %w", name, current, version, err)
	}
	return nil
}
