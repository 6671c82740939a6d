package graph

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
)

// However many documents come, few are remembered, and no long ones. It runs
// alone: it measures.
func TestFewDocumentsAreRemembered(t *testing.T) {
	const (
		most   = 64 << 20 // bytes
		fields = 680      // as many as fit into what is remembered
	)
	remembered := newDocuments()
	query := func(i, fields int) string {
		var all strings.Builder
		for f := range fields {
			fmt.Fprintf(&all, "a%d:kind ", f)
		}
		return fmt.Sprintf("query Q%d { viewer { %s } }", i, all.String())
	}
	add := func(q string) {
		doc, err := gqlparser.LoadQueryWithRules(publicSchema(), q, nil)
		require.Empty(t, err)
		remembered.Add(t.Context(), q, doc)
	}
	known := func(q string) bool {
		_, ok := remembered.Get(t.Context(), q)
		return ok
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range cachedDocuments + 50 {
		add(query(i, fields))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(most))
	t.Logf("%d documents of %d fields are %d kB", cachedDocuments, fields, (int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024)
	kept := 0
	for i := range cachedDocuments + 50 {
		if known(query(i, fields)) {
			kept++
		}
	}
	require.Equal(t, cachedDocuments, kept)
	long := query(0, 1) + strings.Repeat(" ", cacheableBytes)
	add(long)
	require.False(t, known(long))
	require.True(t, known(query(cachedDocuments+49, fields)))
}
