package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"datapusher/graph"
)

// probe is one way to ask for what is another account's.
type probe struct {
	text    string // a field at the root
	nothing bool   // nothing may come: it asks for the other's rows alone
	control string // what finds them for an administrator; "": not every such row fits
}

// prober makes probes of everything that the schema lets one ask.
type prober struct {
	schema  *ast.Schema
	own     map[string]string // ids, by type
	foreign map[string]string
	values  map[string]map[string]any // of the other account's rows: type, field
	cursors map[string]string         // and their places in lists, by type
	filled  map[string]bool           // lists that they are in
}

func newProber(t *testing.T, own, foreign map[string]string) *prober {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: graph.SDL()})
	require.NoError(t, err)
	p := &prober{schema: s, own: own, foreign: foreign, values: map[string]map[string]any{}, cursors: map[string]string{}, filled: map[string]bool{}}
	for _, node := range s.PossibleTypes["Node"] {
		require.Contains(t, foreign, node.Name, "no row of this type is planted")
	}
	return p
}

// look reads the other account's rows as an administrator does.
func (p *prober) look(t *testing.T, do func(query string) answer) {
	t.Helper()
	for of, id := range p.foreign {
		var leaves []string
		for _, f := range p.schema.Types[of].Fields {
			if p.schema.Types[f.Type.Name()].IsLeafType() {
				leaves = append(leaves, f.Name)
			}
		}
		a := do(fmt.Sprintf(`{ node(id: %q) { ... on %s { %s } } }`, id, of, strings.Join(leaves, " ")))
		p.values[of] = a.at(t, "node").(map[string]any)
	}
	for _, at := range p.places(t) {
		a := do("{ " + at.foreign(fmt.Sprintf(`(where: {id: %q}) { edges { cursor } }`, p.foreign[at.of])) + " }")
		if cursor, ok := find(a.Data, "cursor").(string); ok {
			p.cursors[at.of], p.filled[at.in+"."+at.field.Name] = cursor, true
		}
	}
}

// find is the first member of that name, wherever it is.
func find(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		if found, ok := v[name]; ok {
			return found
		}
		for _, one := range v {
			if found := find(one, name); found != nil {
				return found
			}
		}
	case []any:
		for _, one := range v {
			if found := find(one, name); found != nil {
				return found
			}
		}
	}
	return nil
}

// place is a list: at the root, or of a row.
type place struct {
	field *ast.FieldDefinition
	of    string // the type of its rows
	in    string // the type of the row that it belongs to; "": none
	p     *prober
}

func (at place) under(parents map[string]string, rest string) string {
	if at.in == "" {
		return at.field.Name + rest
	}
	return fmt.Sprintf(`node(id: %q) { ... on %s { %s%s } }`, parents[at.in], at.in, at.field.Name, rest)
}

func (at place) mine(rest string) string    { return at.under(at.p.own, rest) }
func (at place) foreign(rest string) string { return at.under(at.p.foreign, rest) }

// places are all lists of the schema.
func (p *prober) places(t *testing.T) (all []place) {
	t.Helper()
	add := func(in string, f *ast.FieldDefinition) {
		if connection := p.schema.Types[f.Type.Name()]; strings.HasSuffix(connection.Name, "Connection") {
			edge := p.schema.Types[connection.Fields.ForName("edges").Type.Name()]
			all = append(all, place{field: f, in: in, of: edge.Fields.ForName("node").Type.Name(), p: p})
		}
	}
	for _, f := range p.schema.Query.Fields {
		add("", f)
	}
	for _, node := range p.schema.PossibleTypes["Node"] {
		for _, f := range node.Fields {
			add(node.Name, f)
		}
	}
	return all
}

// rows is what a probe wants to see of a list.
const rows = ` { totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage } edges { cursor node { id } } }`

// all are the probes of the whole schema.
func (p *prober) all(t *testing.T) (all []probe) {
	t.Helper()
	for _, f := range p.schema.Query.Fields {
		switch arg := f.Arguments; {
		case strings.HasPrefix(f.Name, "__"), f.Name == "viewer":
		case f.Name == "system": // the operator's: TestTheSystemIsTheOperatorsToSee
		case f.Name == "statistics" || f.Name == "backlog":
			for _, of := range []string{"Account", "Destination"} {
				argument := strings.ToLower(of) + "ID"
				all = append(all, probe{text: fmt.Sprintf(`%s(%s: %q) { %s }`, f.Name, argument, p.foreign[of], p.everything(f.Type.Name(), 2))},
					probe{text: fmt.Sprintf(`%s(%s: %q) { %s }`, f.Name, argument, p.own[of], p.everything(f.Type.Name(), 2))})
			}
			all = append(all, probe{text: fmt.Sprintf(`%s { %s }`, f.Name, p.everything(f.Type.Name(), 2))})
		case len(arg) == 1 && arg[0].Name == "id":
			for of, id := range p.foreign {
				one := probe{text: fmt.Sprintf(`%s(id: %q) { id }`, f.Name, id), nothing: true}
				if of == f.Type.Name() {
					one.control = one.text
				}
				all = append(all, one)
			}
		case len(arg) == 1 && arg[0].Name == "ids":
			for _, id := range p.foreign {
				text := fmt.Sprintf(`%s(ids: [%q, %[2]q]) { id }`, f.Name, id)
				all = append(all, probe{text: text, nothing: true, control: text})
			}
		case strings.HasSuffix(f.Type.Name(), "Connection"):
		default:
			t.Errorf("the query %s is not probed", f.Name)
		}
	}
	for _, at := range p.places(t) {
		depth := 0
		if at.in == "" {
			depth = 1
		}
		for _, c := range p.conditions(at.of, depth) {
			rest := fmt.Sprintf(`(where: {%s})`, c.text) + rows
			one := probe{text: at.mine(rest), nothing: c.alone}
			if c.fits && p.filled[at.in+"."+at.field.Name] {
				one.control = at.foreign(rest)
			}
			all = append(all, one)
		}
		for _, order := range p.orders(at.of) {
			for _, of := range []string{at.of, "Account"} {
				for _, side := range []string{"after", "before"} {
					all = append(all, probe{text: at.mine(fmt.Sprintf(`(%s: %q, orderBy: %s)`, side, p.cursors[of], order) + rows)})
				}
			}
		}
		all = append(all, probe{text: at.mine(`(first: 5) { totalCount edges { node { ` + p.everything(at.of, 2) + ` } } }`)})
	}
	for of, id := range p.own {
		all = append(all, probe{text: fmt.Sprintf(`node(id: %q) { ... on %s { %s } }`, id, of, p.everything(of, 2))})
	}
	return all
}

// condition is a part of a filter.
type condition struct {
	text  string
	fits  bool // the other account's row
	alone bool // it, and none of one's own
}

// operators are the ends of a filter's names, and whether a row's own value fits.
var operators = map[string]bool{
	"": true, "In": true, "GTE": true, "LTE": true, "Contains": true, "HasPrefix": true, "HasSuffix": true, "NotNil": true,
	"EqualFold": true, "ContainsFold": true, "NEQ": false, "NotIn": false, "GT": false, "LT": false, "IsNil": false,
}

// conditions are all that a type can be filtered by, with the other account's
// values; so deep in all of its neighbours, and beyond by their ids.
func (p *prober) conditions(of string, depth int) (all []condition) {
	for _, f := range p.schema.Types[of+"WhereInput"].Fields {
		to, through := strings.CutSuffix(f.Type.Name(), "WhereInput")
		switch {
		case through && to == of: // not, and, or
			all = append(all, condition{fmt.Sprintf(`%s: {id: %q}`, f.Name, p.foreign[of]), f.Name != "not", f.Name != "not"})
		case through && depth > 0:
			for _, c := range p.conditions(to, depth-1) {
				all = append(all, condition{fmt.Sprintf(`%s: {%s}`, f.Name, c.text), c.fits, c.alone})
			}
		case through:
			all = append(all, condition{fmt.Sprintf(`%s: {id: %q}`, f.Name, p.foreign[to]), true, true})
		default:
			all = append(all, p.leaf(of, f))
		}
	}
	return all
}

func (p *prober) leaf(of string, f *ast.FieldDefinition) condition {
	if strings.HasPrefix(f.Name, "has") && f.Type.Name() == "Boolean" {
		return condition{text: f.Name + ": true"}
	}
	for end, fits := range operators {
		base, ok := strings.CutSuffix(f.Name, end)
		field := p.schema.Types[of].Fields.ForName(base)
		if !ok || field == nil {
			continue
		}
		value := p.values[of][base]
		if id, row := p.foreign[field.Type.Name()]; row { // shown as the row that it names
			value, fits = id, false
		}
		switch {
		case end == "IsNil" || end == "NotNil":
			return condition{text: f.Name + ": true", fits: value != nil && fits}
		case value == nil:
			return condition{text: f.Name + ": " + p.literal(f.Type, "0")} // there is nothing to look for
		}
		return condition{f.Name + ": " + p.literal(f.Type, value), fits, fits && base == "id" && end != "GTE" && end != "LTE"}
	}
	panic("what is " + of + "." + f.Name + "?")
}

func (p *prober) literal(of *ast.Type, value any) string {
	text, _ := json.Marshal(value) // it came as JSON
	if p.schema.Types[of.Name()].Kind == ast.Enum {
		text = []byte(fmt.Sprint(value))
	}
	if of.Elem != nil {
		return "[" + string(text) + "]"
	}
	return string(text)
}

// orders are all that a list can be ordered by.
func (p *prober) orders(of string) (all []string) {
	for _, f := range p.schema.Types[of+"OrderField"].EnumValues {
		for _, d := range p.schema.Types["OrderDirection"].EnumValues {
			all = append(all, fmt.Sprintf("{field: %s, direction: %s}", f.Name, d.Name))
		}
	}
	return all
}

// everything is all that can be asked of a type: what is a row by its id.
func (p *prober) everything(of string, depth int) string {
	parts := []string{"__typename"}
	for _, f := range p.schema.Types[of].Fields {
		switch t := p.schema.Types[f.Type.Name()]; {
		case t.IsLeafType():
			parts = append(parts, f.Name)
		case strings.HasSuffix(t.Name, "Connection"):
			parts = append(parts, f.Name+` { totalCount edges { node { id } } }`)
		case t.Fields.ForName("id") != nil:
			parts = append(parts, f.Name+` { id }`)
		case depth > 0:
			parts = append(parts, f.Name+" { "+p.everything(t.Name, depth-1)+" }")
		}
	}
	return strings.Join(parts, " ")
}

// heardAnswer is what came of some probes, and the statements that they took.
type heardAnswer struct {
	text   string
	data   map[string]any
	shapes []string
}

// together is how many probes are asked for in one operation.
const together = 30

// ask puts fields into operations, and asks.
func ask(ctx context.Context, t *testing.T, w *world, fields []string, during func(func()) []string) (all []heardAnswer) {
	t.Helper()
	for chunk := range slices.Chunk(fields, together) {
		var query strings.Builder
		for i, f := range chunk {
			fmt.Fprintf(&query, "p%d: %s\n", i, f)
		}
		var a answer
		shapes := during(func() { a = w.do(ctx, t, "{ "+query.String()+"}", nil) })
		require.Empty(t, a.Errors, "%s\n%s\n%s", query.String(), a.Text, w.log)
		slices.Sort(shapes) // fields are resolved at the same time
		all = append(all, heardAnswer{a.Text, a.Data, shapes})
	}
	return all
}
