package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent/schema"
)

// node makes a type a Relay node with connections. The lists at the root are
// declared by hand in graph/schema.
func node() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection()}
}
