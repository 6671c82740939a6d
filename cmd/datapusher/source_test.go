package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// room is the source of a package, without its tests and what is generated.
type room struct {
	path  string // from the root of the project
	files []*ast.File
	named map[string]ast.Expr // the values of its constants and variables
}

// rooms are all packages of the project, by path.
func rooms(t *testing.T) map[string]*room {
	t.Helper()
	const root = "../.."
	all := map[string]*room{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && name != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(parsed) {
			return err
		}
		path, err := filepath.Rel(root, filepath.Dir(file))
		if all[path] == nil {
			all[path] = &room{path: path, named: map[string]ast.Expr{}}
		}
		all[path].add(parsed)
		return err
	})
	require.NoError(t, err)
	return all
}

func (r *room) add(file *ast.File) {
	r.files = append(r.files, file)
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			if v, ok := s.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, name := range v.Names {
					r.named[name.Name] = v.Values[i]
				}
			}
		}
	}
}

// eachFunc calls f for every function, with its name: sqlite.record, newStore.
func (r *room) eachFunc(f func(name string, body ast.Node)) {
	for _, file := range r.files {
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				of := fn.Recv.List[0].Type
				if p, ok := of.(*ast.StarExpr); ok {
					of = p.X
				}
				if i, ok := of.(*ast.IndexExpr); ok {
					of = i.X
				}
				name = of.(*ast.Ident).Name + "." + name
			}
			f(name, fn.Body)
		}
	}
}

// text is what the string literals of an expression are, put together, with those of
// the constants and variables that it names.
func (r *room) text(e ast.Node) string {
	seen := map[string]bool{}
	var b strings.Builder
	var walk func(ast.Node)
	walk = func(e ast.Node) {
		ast.Inspect(e, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					s, _ := strconv.Unquote(n.Value)
					b.WriteString(s)
				}
			case *ast.Ident:
				if value, ok := r.named[n.Name]; ok && !seen[n.Name] {
					seen[n.Name] = true
					walk(value)
				}
			case *ast.SelectorExpr:
				walk(n.X) // what is another package's is not known here
				return false
			}
			return true
		})
	}
	walk(e)
	return b.String()
}
