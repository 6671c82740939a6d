package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"datapusher/internal/datadir"
	"datapusher/internal/secret"
)

// dataDir is the folder of everything that is kept. One process at a time holds it.
type dataDir struct {
	path string
	lock *os.File
}

func openDataDir(path string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory: %w", err)
	}
	d := &dataDir{path: path}
	if d.lock, err = os.OpenFile(d.file("lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("the data directory: %w", err)
	}
	if err := syscall.Flock(int(d.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = d.lock.Close()
		return nil, fmt.Errorf("%s is in use by another Data Pusher: stop that one, or choose another folder with --data-dir", path)
	}
	return d, nil
}

// close gives the folder free; the lock ends with the open file.
func (d *dataDir) close() { _ = d.lock.Close() }

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

// once reads a secret from its file, or makes it at the first start.
func (d *dataDir) once(name string, generate func() (string, error)) (value string, made bool, err error) {
	if value, err = datadir.Secret(d.path, name); err == nil {
		return value, false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	if value, err = generate(); err != nil {
		return "", false, err
	}
	return value, true, datadir.WriteFile(d.file(name), []byte(value+"\n"))
}

// keys reads the encryption keys, or makes them at the first start. Where there is a
// database already, new keys would open nothing of it.
func (d *dataDir) keys() (string, error) {
	value, _, err := d.once(datadir.Keys, func() (string, error) {
		if fileExists(d.file(datadir.Database)) {
			return "", fmt.Errorf("%s is missing, and the secrets in %s were sealed with the keys in it: put the file back from your copy, "+
				"or give the keys with --encryption-keys; to start over, delete the whole folder", d.file(datadir.Keys), d.file(datadir.Database))
		}
		return secret.NewKeys()
	})
	return value, err
}

// newAdminToken makes 256 random bits or more, to be copied with a double click.
func newAdminToken() (string, error) { return "admin" + rand.Text() + rand.Text(), nil }
