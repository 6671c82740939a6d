package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"datapusher/internal/problem"
)

// introspection answers questions about the schema, or refuses them. Who has no
// credential never comes here: see [limits].
type introspection struct{ off bool }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = introspection{}

// ExtensionName implements graphql.HandlerExtension.
func (introspection) ExtensionName() string { return "Introspection" }

// Validate implements graphql.HandlerExtension.
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (i introspection) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = i.off
	b := reflection{lists: map[string]int{}}
	err := b.root(op.Operation.SelectionSet)
	if i.off && b.roots > 0 {
		err = problem.New(problem.Forbidden, "introspection is switched off: the schema is at /schema.graphql, for who sends a credential")
	}
	if err != nil {
		return gqlerror.Wrap(err)
	}
	return nil
}

// What an operation may ask about the schema. The schema is large, so that a few
// lists of it in each other are millions of values; what GraphiQL and its kin ask
// for has each list once, and args twice.
const (
	maxReflections = 2  // __schema and __type
	maxSameList    = 2  // lists of one name, types aside
	maxItem        = 40 // fields of an item of a list, up to the next list
)

// reflection measures what an operation asks about the schema.
type reflection struct {
	roots int
	lists map[string]int
}

// root looks for __schema and __type, which are at the root alone: the document is
// valid.
func (b *reflection) root(set ast.SelectionSet) error {
	return eachField(set, func(f *ast.Field) error {
		nesting := 1
		switch f.Name {
		case "__type":
			nesting = 2
		case "__schema":
		default:
			return nil
		}
		if b.roots++; b.roots > maxReflections {
			return muchSchema()
		}
		return b.item(f.SelectionSet, nesting, new(int))
	})
}

// item measures what is asked of one item of a list; nesting is how many more lists
// of fields may be in each other.
func (b *reflection) item(set ast.SelectionSet, nesting int, fields *int) error {
	return eachField(set, func(f *ast.Field) error {
		if *fields++; *fields > maxItem {
			return muchSchema()
		}
		most := maxSameList
		inner, within := nesting, fields
		switch f.Name {
		case "types", "directives":
			most, within = 1, new(int)
		case "args":
			within = new(int)
		case "fields", "inputFields", "interfaces", "possibleTypes", "enumValues":
			inner, within = nesting-1, new(int)
		default:
			most = maxFields
		}
		if b.lists[f.Name]++; b.lists[f.Name] > most || inner < 0 {
			return muchSchema()
		}
		return b.item(f.SelectionSet, inner, within)
	})
}

func muchSchema() error {
	return problem.New(problem.Invalid, "the operation asks for too much of the schema at once: /schema.graphql has all of it")
}

// eachField calls f for the fields of a selection, those of its fragments included.
func eachField(set ast.SelectionSet, f func(*ast.Field) error) error {
	for _, s := range set {
		var err error
		switch s := s.(type) {
		case *ast.Field:
			err = f(s)
		case *ast.InlineFragment:
			err = eachField(s.SelectionSet, f)
		case *ast.FragmentSpread:
			err = eachField(s.Definition.SelectionSet, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rulesOf gives the rules of validation. Silent ones do not guess what was meant:
// otherwise, who guesses names learns the schema. gqlgen itself exchanges two of
// the five that do. Each rule stops telling after some errors: a few hundred fields
// contradict each other tens of thousands of times.
func rulesOf(silent bool) func() *rules.Rules {
	return func() *rules.Rules {
		all := rules.NewDefaultRules()
		if silent {
			silence(all)
		}
		for name, rule := range all.GetInner() {
			all.ReplaceRule(name, func(observers *core.Events, tell core.AddErrFunc) {
				told := 0
				rule(observers, func(options ...core.ErrorOption) {
					if told++; told <= maxErrors {
						tell(options...)
					}
				})
			})
		}
		return all
	}
}

func silence(all *rules.Rules) {
	for talkative, silent := range map[string]core.Rule{
		rules.FieldsOnCorrectTypeRule.Name: rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		rules.ScalarLeafsRule.Name:         rules.ScalarLeafsRuleWithoutSuggestions,
		rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		all.RemoveRule(talkative)
		all.AddRule(silent.Name, silent.RuleFunc)
	}
}
