package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"datapusher/internal/problem"
)

// maxAlike is how many fields may have one name in the answer where they are not
// all the same: there are fewer types that could tell them apart.
const maxAlike = 20

// contradictions refuses an operation that gives many different fields one name.
// Validation would compare each with every other, and write down each pair. The
// sets are those of one object in the answer; they have been measured.
func (m *measure) contradictions(sets ...ast.SelectionSet) error {
	alike := map[string][]*ast.Field{}
	for _, set := range sets {
		m.collect(set, alike)
	}
	for name, fields := range alike {
		if len(fields) > maxAlike && slices.ContainsFunc(fields[1:], func(f *ast.Field) bool { return differ(fields[0], f) }) {
			return problem.New(problem.Invalid, "the operation gives more than %d fields the name %s, and not all of them are the same", maxAlike, name)
		}
		below := make([]ast.SelectionSet, 0, len(fields))
		for _, f := range fields {
			if len(f.SelectionSet) > 0 {
				below = append(below, f.SelectionSet)
			}
		}
		if len(below) == 0 {
			continue
		}
		if err := m.contradictions(below...); err != nil {
			return err
		}
	}
	return nil
}

// collect sorts the fields of a selection by their names in the answer.
func (m *measure) collect(set ast.SelectionSet, into map[string][]*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			into[s.Alias] = append(into[s.Alias], s)
		case *ast.InlineFragment:
			m.collect(s.SelectionSet, into)
		case *ast.FragmentSpread:
			m.collect(m.fragments.ForName(s.Name).SelectionSet, into)
		}
	}
}

// differ reports whether two fields are not written alike.
func differ(a, b *ast.Field) bool {
	return a != b && (a.Name != b.Name || !sameArguments(a.Arguments, b.Arguments) ||
		!slices.EqualFunc(a.Directives, b.Directives, func(x, y *ast.Directive) bool {
			return x.Name == y.Name && sameArguments(x.Arguments, y.Arguments)
		}))
}

func sameArguments(a, b ast.ArgumentList) bool {
	return slices.EqualFunc(a, b, func(x, y *ast.Argument) bool { return x.Name == y.Name && x.Value.String() == y.Value.String() })
}
