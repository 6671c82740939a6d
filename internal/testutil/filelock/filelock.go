// Package filelock lets parallel test processes do costly work once: go test
// runs every package in a process of its own, and only the file system is
// common to them.
package filelock

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Lock waits until this process alone holds the lock at path, and makes the
// file and its folder when they are missing. The kernel releases it when the
// process ends, however that happens, so no lock is ever stale.
func Lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the lock: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}
