package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"datapusher/ent/rule"
)

// KeyCheck is a piece of text that was sealed with one of the encryption keys: a
// process that cannot open it has the wrong keys, and learns so when it starts.
type KeyCheck struct{ ent.Schema }

// Fields of the KeyCheck.
func (KeyCheck) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(16).Annotations(bytewise).Immutable().
			Comment("The id of the key."),
		field.Bytes("sealed").Immutable(),
		field.Time("created_at").Default(now).Immutable(),
	}
}

// Annotations of the KeyCheck: it is no part of the API.
func (KeyCheck) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }

// Policy of the KeyCheck.
func (KeyCheck) Policy() ent.Policy { return rule.SystemOnly() }
