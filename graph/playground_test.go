package graph_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"datapusher/graph"
)

// TestThePlaygroundsQueriesFitTheSchema: what newcomers click first must work.
func TestThePlaygroundsQueriesFitTheSchema(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: graph.SDL()})
	require.NoError(t, err)
	steps, err := filepath.Glob("../web/playground/src/steps/*.graphql")
	require.NoError(t, err)
	require.NotEmpty(t, steps)
	for _, step := range steps {
		text, err := os.ReadFile(step)
		require.NoError(t, err)
		_, broken := gqlparser.LoadQueryWithRules(schema, string(text), nil)
		require.Empty(t, broken, step)
	}
}

// TestTheDashboardsOperationsFit: all that the dashboard asks fits the schema; each file
// has the fragments that it uses.
func TestTheDashboardsOperationsFit(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: graph.SDL()})
	require.NoError(t, err)
	var files []string
	for _, folder := range []string{"pages", "shell"} {
		found, err := filepath.Glob("../web/dashboard/src/" + folder + "/*.graphql")
		require.NoError(t, err)
		require.NotEmpty(t, found, folder)
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, broken := gqlparser.LoadQueryWithRules(schema, string(text), nil)
		require.Empty(t, broken, file)
	}
}
