package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/graph"
)

func TestSDL(t *testing.T) {
	t.Parallel()
	require.Equal(t, graph.SDL(), graph.SDL())
	require.Contains(t, graph.SDL(), "createAccount(input: CreateAccountInput!): CreateAccountPayload!")
	require.Contains(t, graph.SDL(), "It is shown once.")
	require.NotContains(t, graph.SDL(), "goModel")
	require.NotContains(t, graph.SDL(), "datapusher/ent")
}
