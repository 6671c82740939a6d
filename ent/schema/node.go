package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent/schema"
)

// node makes a type a Relay node with connections, described to the users of the
// API. The lists at the root are declared by hand in graph/schema.
func node(description string) []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), schema.Comment(description)}
}
