package app

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// terminal is what logs are written to; it may hold a write up.
type terminal struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	hold   chan struct{}
}

func (w *terminal) Write(p []byte) (int, error) {
	if w.hold != nil {
		<-w.hold
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.text.Write(p)
}

func TestLinesAreWrittenWholeAndInOrder(t *testing.T) {
	t.Parallel()
	to := &terminal{}
	w := newLineWriter(to)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				_, _ = fmt.Fprintf(w, "%d %d\n", g, i)
			}
		})
	}
	wg.Wait()
	w.flush()
	next := make(map[int]int)
	for line := range strings.Lines(to.text.String()) {
		var g, i int
		_, err := fmt.Sscanf(line, "%d %d\n", &g, &i)
		require.NoError(t, err, line)
		require.Equal(t, next[g], i)
		next[g]++
	}
	for g := range 8 {
		require.Equal(t, 500, next[g])
	}
}

func TestWhatIsLoggedDuringAWriteSharesTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &terminal{hold: make(chan struct{})}
		w := newLineWriter(to)
		for range 100 {
			_, _ = w.Write([]byte("line\n")) // nobody waits for the terminal
			synctest.Wait()
		}
		close(to.hold)
		w.flush()
		require.Equal(t, 100*len("line\n"), to.text.Len())
		require.Equal(t, 2, to.writes)
	})
}

func TestALogThatNobodyReadsDoesNotFillTheMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &terminal{hold: make(chan struct{})}
		w := newLineWriter(to)
		line := bytes.Repeat([]byte("x"), 1<<10)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 4 * maxUnwritten / len(line) {
				_, _ = w.Write(line)
			}
		}()
		synctest.Wait()
		w.mu.Lock()
		require.InDelta(t, maxUnwritten, len(w.waiting), float64(len(line)))
		w.mu.Unlock()
		close(to.hold)
		<-done
		w.flush()
		require.Equal(t, 4*maxUnwritten, to.text.Len())
	})
}
