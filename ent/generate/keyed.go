package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"

	"entgo.io/ent/entc/gen"
)

// replacement is one of what ent writes by what stands in its place.
type replacement struct {
	files string // a glob
	of    *regexp.Regexp
	by    string
}

func replace(files, of, by string) replacement {
	return replacement{files, regexp.MustCompile(of), by}
}

// replacements are told in ent/keyed: edges are read by key, and lists are put right.
var replacements = []replacement{
	replace("*_query.go", `sql\.InValues\(s\.C\((\w+\.\w+Column)\), fks\.\.\.\)`, `keyed.Of(s, $1, fks)`),
	replace("gql_collection.go", `sql\.InValues\(s\.C\((\w+\.\w+Column)\), ids\.\.\.\)`, `keyed.Of(s, $1, ids)`),
	replace("gql_collection.go", `entgql\.LimitPerRow`, `keyed.LimitPerRow`),
	replace("client.go", `sqlgraph\.Neighbors\(`, `keyed.Neighbors(`),
	replace("*/where.go", `sqlgraph\.HasNeighbors`, `keyed.HasNeighbors`),
	replace("delivery/where.go", `sql\.(FieldEQ|FieldIn)\(FieldEventID,`, `keyed.$1(FieldEventID,`),
	replace("attempt/where.go", `sql\.(FieldEQ|FieldIn)\(FieldDeliveryID,`, `keyed.$1(FieldDeliveryID,`),

	replace("gql_pagination.go", `entgql\.CursorsPredicate\((.*), direction\)`, `keyed.Cursors($1, p.order.Direction)`),

	replace("gql_pagination.go", `for _, f := range graphql\.CollectFields\(oc, field\.Selections, nil\) \{\s+if f\.Alias == name \{\s+field = f\s+continue walk\s+\}\s+\}`,
		`if f, ok := keyed.Collected(oc, field, name); ok {
			field = f
			continue walk
		}`),

	// A total is counted when somebody asks for it, and not beyond reason. Whether
	// there is another page is known from the page.
	replace("gql_collection.go", `Aggregate\(Count\(\)\)`, `Aggregate(keyed.Count)`),
	replace("gql_pagination.go", `(?m)^(\s+)c\.ctx\.Fields = nil$`, `$1 c.ctx.Fields = nil`+"\n"+`$1 c.modifiers = append(c.modifiers, keyed.AtMost)`),
	replace("gql_*.go", `(if hasCollectedField\(.*totalCountField\)(?:\.\.\.\))?) \|\| (hasCollectedField\(.*pageInfoField\))`,
		`$1 || ignoredEdges && $2`),
}

// byKey is a hook of ent: it replaces when all is written.
func byKey(next gen.Generator) gen.Generator {
	return gen.GenerateFunc(func(g *gen.Graph) error {
		if err := next.Generate(g); err != nil {
			return err
		}
		for _, r := range replacements {
			if err := r.in(g.Target, g.Package); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r replacement) in(folder, pkg string) error {
	files, err := filepath.Glob(filepath.Join(folder, r.files))
	if err != nil {
		return err
	}
	found := false
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !r.of.Match(text) {
			continue
		}
		found = true
		text = r.of.ReplaceAll(text, []byte(r.by))
		if text, err = format.Source(importing(text, pkg+"/keyed")); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("ent writes no %s any more in %s", r.of, r.files)
	}
	return nil
}

const graphImport = `"entgo.io/ent/dialect/sql/sqlgraph"` + "\n"

// importing adds an import, and drops the one that may not be needed any more.
func importing(text []byte, path string) []byte {
	if line := fmt.Appendf(nil, "%q\n", path); !bytes.Contains(text, line) {
		text = bytes.Replace(text, []byte("import (\n"), append([]byte("import (\n\t"), line...), 1)
	}
	if !bytes.Contains(text, []byte("sqlgraph.")) {
		text = bytes.Replace(text, []byte(graphImport), nil, 1)
	}
	return text
}
