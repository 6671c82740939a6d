package requestid_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/requestid"
)

func TestTheIDTravelsInTheContext(t *testing.T) {
	t.Parallel()
	require.Empty(t, requestid.From(t.Context()))
	id := requestid.New()
	require.GreaterOrEqual(t, len(id), 26)
	require.NotEqual(t, id, requestid.New())
	require.Equal(t, id, requestid.From(requestid.With(t.Context(), id)))
}
