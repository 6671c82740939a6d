package graph

import (
	"context"
	"strconv"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// Limits of one operation. They are told in the schema's descriptions.
const (
	defaultPage = 20
	maxPage     = 100
	maxDepth    = 20
	maxValues   = 50_000 // leaf fields times the sizes of the pages they are in
	maxFields   = 2_000  // that the document selects, aliases counted
	maxTokens   = 15_000
	maxCached   = 500 // parsed documents
)

// pagedCache keeps parsed documents. A document is put in once, before it is
// first executed, and never changed after that: the moment to give every list
// without a size the default one. ent would read such a list to its end.
type pagedCache struct {
	graphql.Cache[*ast.QueryDocument]
}

// Add implements graphql.Cache.
func (c pagedCache) Add(ctx context.Context, query string, doc *ast.QueryDocument) {
	for _, op := range doc.Operations {
		setPages(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		setPages(f.SelectionSet)
	}
	c.Cache.Add(ctx, query, doc)
}

func setPages(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if isList(s) && !sized(s.Arguments) {
				s.Arguments = append(s.Arguments[:len(s.Arguments):len(s.Arguments)], &ast.Argument{
					Name:  "first",
					Value: &ast.Value{Kind: ast.IntValue, Raw: strconv.Itoa(defaultPage), Position: s.Position},
				})
			}
			setPages(s.SelectionSet)
		case *ast.InlineFragment:
			setPages(s.SelectionSet)
		}
	}
}

// isList tells a connection by its arguments.
func isList(f *ast.Field) bool {
	return f.Definition != nil && f.Definition.Arguments.ForName("first") != nil && f.Definition.Arguments.ForName("last") != nil
}

// sized reports whether a size is given, be it by a variable.
func sized(args ast.ArgumentList) bool {
	for _, name := range []string{"first", "last"} {
		if a := args.ForName(name); a != nil && a.Value.Kind != ast.NullValue {
			return true
		}
	}
	return false
}

// limits checks an operation before it is executed.
type limits struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = limits{}

// ExtensionName implements graphql.HandlerExtension.
func (limits) ExtensionName() string { return "Limits" }

// Validate implements graphql.HandlerExtension.
func (limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (limits) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	oc.DisableIntrospection = auth.From(ctx) == nil
	m := measure{variables: oc.Variables}
	m.walk(oc.Operation.SelectionSet, 1, 1)
	if m.err != nil {
		return refuse(m.err)
	}
	return nil
}

// refuse makes a coded error one that may be returned before execution.
func refuse(err *problem.Error) *gqlerror.Error {
	return &gqlerror.Error{Err: err, Message: err.Message, Extensions: extensions(err)}
}

// measure adds up what an operation asks for.
type measure struct {
	variables map[string]any
	fields    int
	values    int
	err       *problem.Error
}

func (m *measure) fail(format string, args ...any) {
	if m.err == nil {
		m.err = problem.New(problem.Invalid, format, args...)
	}
}

func (m *measure) walk(set ast.SelectionSet, depth, times int) {
	if depth > maxDepth {
		m.fail("the operation is nested deeper than %d levels: ask in several operations", maxDepth)
	}
	for _, s := range set {
		if m.err != nil {
			return
		}
		switch s := s.(type) {
		case *ast.Field:
			m.field(s, depth, times)
		case *ast.InlineFragment:
			m.walk(s.SelectionSet, depth, times)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				m.walk(s.Definition.SelectionSet, depth, times)
			}
		}
	}
}

func (m *measure) field(f *ast.Field, depth, times int) {
	if m.fields++; m.fields > maxFields {
		m.fail("the operation selects more than %d fields: ask in several operations", maxFields)
		return
	}
	if isList(f) {
		times *= m.page(f)
	}
	if len(f.SelectionSet) > 0 {
		m.walk(f.SelectionSet, depth+1, times)
		return
	}
	if m.values += times; m.values > maxValues {
		m.fail("the operation asks for more than %d values: make its pages smaller or ask in several operations", maxValues)
	}
}

// page is the size of a list's page. A variable that is null or not given stands
// for the default size.
func (m *measure) page(f *ast.Field) int {
	size, given := defaultPage, false
	var unset string
	for _, name := range []string{"first", "last"} {
		a := f.Arguments.ForName(name)
		if a == nil {
			continue
		}
		value, err := a.Value.Value(m.variables)
		if err != nil {
			m.fail("%s of %s cannot be read", name, f.Name)
			return 1
		}
		if value == nil {
			if a.Value.Kind == ast.Variable {
				unset = a.Value.Raw
			}
			continue
		}
		n, err := graphql.UnmarshalInt(value)
		switch {
		case err != nil:
			m.fail("%s of %s must be a whole number from 1 to %d", name, f.Name, maxPage)
		case given:
			m.fail("%s takes first or last, not both", f.Name)
		case n < 1 || n > maxPage:
			m.fail("%s of %s must be from 1 to %d", name, f.Name, maxPage)
		}
		size, given = n, true
	}
	if !given && unset != "" {
		m.variables[unset] = int64(defaultPage)
	}
	m.cursors(f)
	return max(size, 1)
}

// cursors checks that the cursors of a list are ones that we have made.
func (m *measure) cursors(f *ast.Field) {
	for _, name := range []string{"after", "before"} {
		a := f.Arguments.ForName(name)
		if a == nil {
			continue
		}
		value, err := a.Value.Value(m.variables)
		if err != nil || value == nil {
			continue
		}
		var c entgql.Cursor[string]
		if c.UnmarshalGQL(value) != nil {
			m.fail("%s of %s is no cursor: take one from an earlier page", name, f.Name)
		}
	}
}
