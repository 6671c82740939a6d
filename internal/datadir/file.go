package datadir

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile replaces a file at once, readable for its owner alone, and returns
// when that is on disk: after a crash the file is the old one or the new one,
// whole. Where the name is a link, the file that it leads to is replaced.
func WriteFile(name string, content []byte) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+".*.new") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in a folder durable. The new file is in place by then, so
// nothing is removed where it fails.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // G304: the operator names it
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
