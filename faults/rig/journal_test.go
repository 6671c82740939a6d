package rig

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lines")
	j, err := openJournal(name)
	require.NoError(t, err)
	var writing sync.WaitGroup
	for n := range 100 {
		writing.Go(func() {
			require.NoError(t, j.write(n))
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NotEmpty(t, text)
		})
	}
	writing.Wait()
	require.Error(t, j.write(func() {}))
	require.NoError(t, j.close())
	require.NoError(t, j.close())
	require.ErrorIs(t, j.write(1), errClosed)

	got, err := readJournal[int](name)
	require.NoError(t, err)
	require.Len(t, got, 100)
	want := make([]int, 100)
	for i := range want {
		want[i] = i
	}
	require.ElementsMatch(t, want, got)

	require.NoError(t, os.WriteFile(name, []byte("1\n2"+`{"torn`), 0o600))
	_, err = readJournal[int](name)
	require.Error(t, err)
	_, err = readJournal[int](name + "-none")
	require.ErrorIs(t, err, os.ErrNotExist)
}
