package graph_test

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// references are the places of an input where ids stand, such as filter.accountID.
func (p *prober) references(input *ast.Definition, at string) (all []string) {
	for _, f := range input.Fields {
		switch t := p.schema.Types[f.Type.Name()]; {
		case t.Name == "ID":
			all = append(all, at+f.Name)
		case t.Kind == ast.InputObject:
			all = append(all, p.references(t, at+f.Name+".")...)
		}
	}
	return all
}

// input is the least that a mutation takes, with an id in one place.
func (p *prober) input(input *ast.Definition, at, place, id string) string {
	var parts []string
	for _, f := range input.Fields {
		here := at + f.Name
		var value string
		switch t := p.schema.Types[f.Type.Name()]; {
		case here == place:
			value = fmt.Sprintf("%q", id)
		case !f.Type.NonNull && !strings.HasPrefix(place, here+"."):
			continue
		case t.Kind == ast.InputObject:
			value = p.input(t, here+".", place, id)
		default:
			value = p.usual(f, t)
		}
		if f.Type.Elem != nil {
			value = "[" + value + "]"
		}
		parts = append(parts, f.Name+": "+value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// particular are values of fields that do not take every text.
var particular = map[string]string{"email": "probe@example.com", "url": "https://example.com", "payload": "1"}

// usual is a value that a field takes: an id is one of the viewer's own.
func (p *prober) usual(f *ast.FieldDefinition, t *ast.Definition) string {
	switch {
	case t.Name == "ID":
		of := strings.TrimSuffix(strings.TrimSuffix(f.Name, "s"), "ID") // destinationIDs: Destination
		return fmt.Sprintf("%q", p.own[strings.ToUpper(of[:1])+of[1:]])
	case t.Kind == ast.Enum:
		return t.EnumValues[0].Name
	case t.Name == "Time":
		return `"2030-05-07T08:00:00Z"`
	case t.Name == "Duration":
		return `"1h"`
	case t.Name == "String":
		if text, ok := particular[f.Name]; ok {
			return fmt.Sprintf("%q", text)
		}
		return `"probe"`
	case t.Name == "Boolean":
		return "true"
	}
	return "1"
}
