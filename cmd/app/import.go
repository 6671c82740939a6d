package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"datapusher/internal/rekey"
	"datapusher/internal/secret"
	"datapusher/internal/seed"
)

// Import is the command "import".
type Import struct {
	Seed ImportSeed `cmd:"" help:"Bring over accounts, tokens and destinations of the seed system. May be repeated."`
}

// ImportSeed is the command "import seed".
type ImportSeed struct {
	Database
	EncryptionKeys string `env:"DATAPUSHER_ENCRYPTION_KEYS" required:"" help:"Keys that seal secrets in the database, as datapusher keys generate prints them."`
	File           string `arg:"" help:"The seed system's db.sqlite3; it is only read."`
}

// Run imports and prints the report.
func (i *ImportSeed) Run(ctx context.Context) error {
	if _, err := os.Stat(i.File); err != nil {
		return err
	}
	box, err := secret.Open(i.EncryptionKeys)
	if err != nil {
		return fmt.Errorf("the encryption keys: %w", err)
	}
	db, err := openMigrated(ctx, i.DatabaseURL, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := rekey.Check(ctx, db, box); err != nil {
		return err
	}
	report, err := seed.Import(ctx, db, box, i.File)
	if report != nil {
		err = errors.Join(err, report.Write(os.Stdout))
	}
	return err
}
