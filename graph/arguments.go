package graph

import (
	"context"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/internal/problem"
)

// What the arguments of one operation may be. A filter becomes SQL, which grows
// with it: Postgres takes 65,535 parameters, SQLite 1,000 levels of conditions,
// and each alternative of a list is a level.
const (
	maxList      = 500  // items of a list
	maxLevels    = 20   // levels of an argument
	maxArguments = 1000 // values in all: scalars, enums, nulls, lists and objects; a variable counts wherever it is used
	maxDigits    = 400  // bytes of a number
)

// arguments refuses an operation that has too many values in its arguments.
type arguments struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = arguments{}

// ExtensionName implements graphql.HandlerExtension.
func (arguments) ExtensionName() string { return "Arguments" }

// Validate implements graphql.HandlerExtension.
func (arguments) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. The document
// is valid, and not too large, by then: fragments are spread out without fear.
func (arguments) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := counter{variables: map[string]int{}, levels: map[string]int{}}
	for name, v := range op.Variables {
		c.variables[name], c.levels[name] = size(v)
	}
	if err := c.selections(op.Operation.SelectionSet); err != nil {
		return gqlerror.Wrap(err)
	}
	return nil
}

// counter counts the values of an operation.
type counter struct {
	variables map[string]int // how many values each is
	levels    map[string]int
	values    int
}

func (c *counter) selections(set ast.SelectionSet) error {
	return eachField(set, func(f *ast.Field) error {
		if err := c.arguments(f.Arguments); err != nil {
			return err
		}
		return c.selections(f.SelectionSet)
	})
}

func (c *counter) arguments(args ast.ArgumentList) error {
	for _, a := range args {
		if err := c.value(a.Value, 1); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) value(v *ast.Value, level int) error {
	if v.Kind == ast.Variable {
		c.values += c.variables[v.Raw]
		level += c.levels[v.Raw] - 1
	} else {
		c.values++
	}
	switch {
	case c.values > maxArguments:
		return tooMany()
	case level > maxLevels:
		return tooDeep()
	}
	for _, child := range v.Children {
		if err := c.value(child.Value, level+1); err != nil {
			return err
		}
	}
	return nil
}

// size is how many values a variable is, itself included, and on how many levels.
func size(v any) (values, levels int) {
	values, levels = 1, 1
	inner := func(item reflect.Value) {
		n, deep := size(item.Interface())
		values += n
		levels = max(levels, deep+1)
	}
	// A single value that stands for a list is by now a slice of its own type.
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice:
		for i := range r.Len() {
			inner(r.Index(i))
		}
	case reflect.Map:
		for _, key := range r.MapKeys() {
			inner(r.MapIndex(key))
		}
	}
	return values, levels
}

// checkLiteral refuses arguments in a document that would fail in the database
// or in the conversion, where nobody could tell whose fault it is.
func checkLiteral(v *ast.Value) error {
	switch v.Kind {
	case ast.StringValue, ast.BlockValue:
		return checkString(v.Raw)
	case ast.IntValue:
		if _, err := strconv.ParseInt(v.Raw, 10, 64); err != nil {
			return outOfRange()
		}
	case ast.FloatValue:
		if _, err := strconv.ParseFloat(v.Raw, 64); err != nil {
			return outOfRange()
		}
	case ast.ListValue:
		if len(v.Children) > maxList {
			return tooLong()
		}
	}
	for _, c := range v.Children { // as deep as the parser allows
		if err := checkLiteral(c.Value); err != nil {
			return err
		}
	}
	return nil
}

// checkVariables is checkLiteral for what comes as JSON, whether the operation
// uses it or not.
func checkVariables(all map[string]any) error {
	left := maxArguments
	for _, v := range all {
		if err := checkVariable(v, 1, &left); err != nil {
			return err
		}
	}
	return nil
}

// crowded reports whether a JSON text holds so many values that it is not worth
// reading: each begins after a bracket, a brace or a comma.
func crowded(text []byte) bool {
	const most = 2 * maxArguments // empty lists and objects count twice here
	values, quoted := 0, false
	for i := 0; i < len(text) && values <= most; i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{' || c == ','):
			values++
		}
	}
	return values > most
}

func checkVariable(v any, level int, left *int) error {
	if level > maxLevels {
		return tooDeep()
	}
	if *left--; *left < 0 {
		return tooMany()
	}
	switch v := v.(type) {
	case string:
		return checkString(v)
	case json.Number:
		return checkNumber(v)
	case []any:
		if len(v) > maxList {
			return tooLong()
		}
		for _, item := range v {
			if err := checkVariable(item, level+1, left); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, item := range v {
			if err := checkVariable(item, level+1, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkString refuses NUL: Postgres keeps none.
func checkString(s string) error {
	if strings.ContainsRune(s, 0) {
		return problem.New(problem.Invalid, "a text must not contain the character NUL")
	}
	return nil
}

func checkNumber(n json.Number) error {
	if len(n) > maxDigits {
		return outOfRange()
	}
	if _, err := n.Float64(); err != nil {
		return outOfRange()
	}
	if _, err := n.Int64(); err != nil && !strings.ContainsAny(n.String(), ".eE") {
		return outOfRange()
	}
	return nil
}

func outOfRange() error { return problem.New(problem.Invalid, "a number is out of range") }

func tooLong() error {
	return problem.New(problem.Invalid, "a list must have at most %d items", maxList)
}

func tooDeep() error {
	return problem.New(problem.Invalid, "an argument must have at most %d levels", maxLevels)
}

func tooMany() error {
	return problem.New(problem.Invalid,
		"the arguments must have at most %d values in all, a variable counted wherever it is used", maxArguments)
}
