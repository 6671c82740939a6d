package filelock_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/filelock"
)

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, counter := filepath.Join(dir, "folder", "lock"), filepath.Join(dir, "counter")
	require.NoError(t, os.WriteFile(counter, []byte("0"), 0o600))
	// Two holders at a time would lose each other's steps.
	step := func() error {
		unlock, err := filelock.Lock(lock)
		if err != nil {
			return err
		}
		defer unlock()
		text, err := os.ReadFile(counter)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(text))
		if err != nil {
			return err
		}
		return os.WriteFile(counter, []byte(strconv.Itoa(n+1)), 0o600)
	}
	var wg sync.WaitGroup
	failed := make(chan error, 200)
	for range 20 {
		wg.Go(func() {
			for range 10 {
				if err := step(); err != nil {
					failed <- err
				}
			}
		})
	}
	wg.Wait()
	require.Empty(t, failed)
	text, err := os.ReadFile(counter)
	require.NoError(t, err)
	require.Equal(t, "200", string(text))
}

func TestLockSaysWhatFailed(t *testing.T) {
	t.Parallel()
	_, err := filelock.Lock(filepath.Join("/dev/null", "lock"))
	require.ErrorContains(t, err, "folder of the lock")
	_, err = filelock.Lock(t.TempDir())
	require.ErrorContains(t, err, "open the lock")
}
