package main

import (
	"path/filepath"

	"datapusher/cmd/app"
	"datapusher/internal/datadir"
)

// keysCommand is the command "keys", for the keyset and the database of a data
// directory. It may be used while the program runs, which reads the keys at its
// start.
type keysCommand struct {
	app.Keys
	DataDir string `env:"DATAPUSHER_DATA_DIR" default:"./data" help:"Folder whose keys and database the command is about, where neither is given."`
}

// AfterApply fills in what the flags leave open.
func (k *keysCommand) AfterApply() error {
	path, err := filepath.Abs(k.DataDir)
	if err != nil {
		return err
	}
	d := &dataDir{path: path}
	for _, set := range []*app.Keyset{&k.List.Keyset, &k.Add.Keyset, &k.Promote.Keyset, &k.Rotate.Keyset, &k.Retire.Keyset} {
		if set.EncryptionKeys == "" && set.KeysFile == "" {
			set.KeysFile = d.file(datadir.Keys)
		}
	}
	for _, database := range []*app.Sealed{&k.Rotate.Sealed, &k.Retire.Sealed} {
		if database.DatabaseURL == "" {
			database.DatabaseURL = d.databaseURL()
		}
	}
	return nil
}
