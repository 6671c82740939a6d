package graph

import (
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"datapusher/graph/generated"
)

// SDL is the whole schema as one document, the same text each time.
func SDL() string { return printed(publicSchema()) }

// publicSchema is the schema without the directives that only tell gqlgen which
// Go types to use, and without @defer: the doors send an answer in one piece, so
// that what is deferred would be lost. It is shared and must not be changed.
var publicSchema = sync.OnceValue(func() *ast.Schema {
	all := generated.NewExecutableSchema(generated.Config{}).Schema()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: printed(all)})
	if err != nil {
		panic(err) // what was printed is a schema
	}
	for name := range s.Directives {
		if ofGenerator(name) || name == "defer" {
			delete(s.Directives, name)
		}
	}
	for _, t := range s.Types {
		t.Directives = withoutGenerators(t.Directives)
		for _, f := range t.Fields {
			f.Directives = withoutGenerators(f.Directives)
		}
	}
	return s
})

func ofGenerator(directive string) bool { return strings.HasPrefix(directive, "go") }

func withoutGenerators(all ast.DirectiveList) ast.DirectiveList {
	var kept ast.DirectiveList
	for _, d := range all {
		if !ofGenerator(d.Name) {
			kept = append(kept, d)
		}
	}
	return kept
}

func printed(s *ast.Schema) string {
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(s)
	return b.String()
}
