package graph

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// What one operation may be. All of it is checked before the operation is
// validated, because validation itself can be made to take long.
const (
	maxQuery  = 32 << 10 // bytes of the document
	maxTokens = 2500     // of the document
	maxDepth  = 20       // levels of fields; GraphiQL's introspection has 14
	maxNested = 100      // levels of fields and fragments
	maxFields = 700      // of an operation with its fragments spread out, aliases included
	maxRoot   = 50       // fields at the root, each a query or a command of its own
)

// limits holds an operation to them, and lets those who are nobody ask for
// __typename alone.
type limits struct {
	known graphql.Cache[*ast.QueryDocument] // documents that have passed before
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = limits{}

// ExtensionName implements graphql.HandlerExtension.
func (limits) ExtensionName() string { return "Limits" }

// Validate implements graphql.HandlerExtension.
func (limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. It
// changes nothing.
func (l limits) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	err := l.check(ctx, params)
	if e, ok := errors.AsType[*gqlerror.Error](err); ok {
		return e
	}
	return gqlerror.Wrap(err)
}

func (l limits) check(ctx context.Context, params *graphql.RawParams) error {
	nobody := auth.From(ctx) == nil
	if !nobody {
		if err := checkVariables(params.Variables); err != nil {
			return err
		}
		if _, ok := l.known.Get(ctx, params.Query); ok {
			return nil
		}
	}
	if len(params.Query) > maxQuery {
		return problem.New(problem.TooLarge, "the query must have at most %d bytes: use variables for what is long", maxQuery)
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, maxTokens)
	if nobody && (err != nil || !asksForNothing(doc)) {
		return auth.Denied()
	}
	if err != nil {
		return err // it is a *gqlerror.Error that says where
	}
	return checkDocument(doc)
}

// asksForNothing reports whether a document has __typename alone at its root:
// what a client may ask to see whether a GraphQL server is there.
func asksForNothing(doc *ast.QueryDocument) bool {
	for _, op := range doc.Operations {
		for _, s := range op.SelectionSet {
			if f, ok := s.(*ast.Field); !ok || f.Name != "__typename" {
				return false
			}
		}
	}
	return len(doc.Fragments) == 0
}

func checkDocument(doc *ast.QueryDocument) error {
	m := measure{fragments: doc.Fragments, done: map[string]*extent{}}
	for _, op := range doc.Operations {
		if err := checkDefaults(op.VariableDefinitions); err != nil {
			return err
		}
		e, err := m.of(op.SelectionSet)
		switch {
		case err != nil:
			return err
		case e.depth > maxDepth:
			return problem.New(problem.Invalid, "the operation must have at most %d levels", maxDepth)
		case e.nested > maxNested:
			return problem.New(problem.Invalid, "the operation must have at most %d levels of fragments", maxNested)
		case e.fields > maxFields:
			return problem.New(problem.Invalid, "the operation must have at most %d fields", maxFields)
		case e.root > maxRoot:
			return problem.New(problem.Invalid, "the operation must have at most %d fields at its root", maxRoot)
		}
		if err := m.contradictions(op.SelectionSet); err != nil {
			return err
		}
	}
	// A fragment that no operation uses is not measured; validation refuses it,
	// after it has compared its fields with each other.
	for _, f := range doc.Fragments {
		if m.done[f.Name] == nil {
			return problem.New(problem.Invalid, "the fragment %s is not used", f.Name)
		}
	}
	return nil
}

func checkDefaults(variables ast.VariableDefinitionList) error {
	for _, v := range variables {
		if v.DefaultValue != nil {
			if err := checkLiteral(v.DefaultValue); err != nil {
				return err
			}
		}
	}
	return nil
}

// extent is how big a selection is.
type extent struct{ fields, depth, nested, root int }

// measure computes extents, each fragment once: spread out, a few fragments that
// use each other twice would be more than can be counted.
type measure struct {
	fragments ast.FragmentDefinitionList
	done      map[string]*extent // nil while it is being measured
}

func (m *measure) of(set ast.SelectionSet) (extent, error) {
	var all extent
	for _, s := range set {
		e, err := m.selection(s)
		if err != nil {
			return all, err
		}
		// The cap keeps sums of sums from running over.
		all.fields = min(all.fields+e.fields, maxFields+1)
		all.root = min(all.root+e.root, maxFields+1)
		all.depth = max(all.depth, e.depth)
		all.nested = max(all.nested, e.nested+1)
	}
	return all, nil
}

func (m *measure) selection(s ast.Selection) (extent, error) {
	switch s := s.(type) {
	case *ast.Field:
		for _, a := range s.Arguments {
			if err := checkLiteral(a.Value); err != nil {
				return extent{}, err
			}
		}
		e, err := m.of(s.SelectionSet)
		return extent{fields: e.fields + 1, depth: e.depth + 1, nested: e.nested, root: 1}, err
	case *ast.InlineFragment:
		return m.of(s.SelectionSet)
	case *ast.FragmentSpread:
		return m.fragment(s.Name)
	}
	return extent{}, nil
}

func (m *measure) fragment(name string) (extent, error) {
	if e, seen := m.done[name]; seen {
		if e == nil {
			return extent{}, problem.New(problem.Invalid, "the fragment %s contains itself", name)
		}
		return *e, nil
	}
	f := m.fragments.ForName(name)
	if f == nil {
		// Validation would say so, after it has compared each with every other.
		return extent{}, problem.New(problem.Invalid, "the fragment %s is unknown", name)
	}
	m.done[name] = nil
	e, err := m.of(f.SelectionSet)
	m.done[name] = &e
	return e, err
}
