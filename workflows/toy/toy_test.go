package toy_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/workflows"
	"datapusher/workflows/enginetest"
	"datapusher/workflows/toy"
)

// TestEngine shows, too, that the suite asks for nothing that only one real engine has.
func TestEngine(t *testing.T) {
	t.Parallel()
	t.Run("toy-memory", func(t *testing.T) {
		enginetest.RunCore(t, func(*testing.T) enginetest.Store {
			store := toy.NewStore()
			return enginetest.Store{Make: func(core workflows.Core) workflows.Engine { return toy.Engine{Store: store, Core: core} }}
		})
	})
}

func TestItIsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("toy.go")
	require.NoError(t, err)
	require.Less(t, bytes.Count(text, []byte("\n")), 150)
}
