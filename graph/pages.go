package graph

import (
	"context"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/internal/problem"
)

// The sizes of a page.
const (
	defaultPage = 20
	maxPage     = 100
)

// ent has no default: a list without first and last would be the whole table,
// and a nested one is loaded together with its parents, before its resolver
// runs. So documents are given a page size before they are executed, once each,
// on their way into the cache of parsed documents.

const (
	cachedDocuments = 200     // how many are kept
	cacheableBytes  = 8 << 10 // longer ones are parsed each time
	defaultVariable = "page/" // begins a variable that no document can name itself

	firstArg = "first"
	lastArg  = "last"
)

// documents is the cache of parsed and validated documents.
type documents struct{ kept *lru.LRU[*ast.QueryDocument] }

func newDocuments() documents { return documents{lru.New[*ast.QueryDocument](cachedDocuments)} }

// Get implements graphql.Cache.
func (d documents) Get(ctx context.Context, query string) (*ast.QueryDocument, bool) {
	return d.kept.Get(ctx, query)
}

// Add implements graphql.Cache. The document is nobody else's yet, so it can be
// changed here, and nowhere else.
func (d documents) Add(ctx context.Context, query string, doc *ast.QueryDocument) {
	eachList(doc, giveDefault)
	if len(query) <= cacheableBytes {
		d.kept.Add(ctx, query, doc)
	}
}

// eachList calls f for every field that is a connection.
func eachList(doc *ast.QueryDocument, f func(*ast.Field)) {
	for _, op := range doc.Operations {
		eachListOf(op.SelectionSet, f)
	}
	for _, fragment := range doc.Fragments {
		eachListOf(fragment.SelectionSet, f)
	}
}

func eachListOf(set ast.SelectionSet, f func(*ast.Field)) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if isList(s.Definition) {
				f(s)
			}
			eachListOf(s.SelectionSet, f)
		case *ast.InlineFragment:
			eachListOf(s.SelectionSet, f)
		}
	}
}

func isList(d *ast.FieldDefinition) bool {
	return d != nil && d.Arguments.ForName(firstArg) != nil && d.Arguments.ForName(lastArg) != nil
}

// giveDefault writes the default into a list that has neither first nor last. If
// that depends on variables, first becomes a variable of ours, whose name tells
// which ones: [pages] gives it a value for each request.
func giveDefault(f *ast.Field) {
	first, firstVar := source(f, firstArg)
	last, lastVar := source(f, lastArg)
	if first == given || last == given {
		return
	}
	value := &ast.Value{Kind: ast.IntValue, Raw: strconv.Itoa(defaultPage), Position: f.Position}
	if firstVar != "" || lastVar != "" {
		value = &ast.Value{Kind: ast.Variable, Raw: defaultVariable + firstVar + "/" + lastVar, Position: f.Position}
	}
	if a := f.Arguments.ForName(firstArg); a != nil {
		a.Value = value
		return
	}
	f.Arguments = append(f.Arguments, &ast.Argument{Name: firstArg, Value: value, Position: f.Position})
}

// where an argument comes from.
const (
	absent = iota // or null
	given
	variable
)

func source(f *ast.Field, name string) (kind int, variableName string) {
	switch a := f.Arguments.ForName(name); {
	case a == nil || a.Value.Kind == ast.NullValue:
		return absent, ""
	case a.Value.Kind == ast.Variable:
		return variable, a.Value.Raw
	default:
		return given, ""
	}
}

// pages gives the variables of [giveDefault] their values and checks every page
// size of a request.
type pages struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = pages{}

// ExtensionName implements graphql.HandlerExtension.
func (pages) ExtensionName() string { return "Pages" }

// Validate implements graphql.HandlerExtension.
func (pages) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (pages) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	var wrong error
	eachList(op.Doc, func(f *ast.Field) {
		resolveDefault(f, op)
		args := f.ArgumentMap(op.Variables)
		if err := checkPage(f, args[firstArg], args[lastArg]); err != nil && wrong == nil {
			wrong = err
		}
	})
	if wrong != nil {
		return gqlerror.Wrap(wrong)
	}
	return nil
}

func resolveDefault(f *ast.Field, op *graphql.OperationContext) {
	a := f.Arguments.ForName(firstArg)
	if a == nil || a.Value.Kind != ast.Variable {
		return
	}
	names, ours := strings.CutPrefix(a.Value.Raw, defaultVariable)
	if !ours {
		return
	}
	if op.Variables == nil {
		op.Variables = map[string]any{}
	}
	firstVar, lastVar, _ := strings.Cut(names, "/")
	switch {
	case op.Variables[firstVar] != nil:
		op.Variables[a.Value.Raw] = op.Variables[firstVar]
	case op.Variables[lastVar] == nil:
		op.Variables[a.Value.Raw] = int64(defaultPage)
	}
}

func checkPage(f *ast.Field, first, last any) error {
	if first != nil && last != nil {
		return problem.New(problem.Invalid, "%s: give first or last, not both", f.Alias)
	}
	for name, v := range map[string]any{firstArg: first, lastArg: last} {
		if v == nil {
			continue
		}
		if n, ok := number(v); !ok || n < 1 || n > maxPage {
			return problem.New(problem.Invalid, "%s: %s must be between 1 and %d", f.Alias, name, maxPage)
		}
	}
	return nil
}

// number reads an Int argument, whether it stood in the document or in the variables.
func number(v any) (int, bool) {
	n, err := graphql.UnmarshalInt(v)
	return n, err == nil
}
