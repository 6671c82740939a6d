package origin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/origin"
)

func TestTheAddressTravelsInTheContext(t *testing.T) {
	t.Parallel()
	require.Empty(t, origin.From(t.Context()))
	require.Equal(t, "203.0.113.7", origin.From(origin.With(t.Context(), "203.0.113.7")))
}
