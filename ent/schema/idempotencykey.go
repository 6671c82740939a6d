package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
)

// IdempotencyKey remembers which event a sender's key stands for, until it
// expires. Only internal/ingest reads and writes it.
type IdempotencyKey struct{ ent.Schema }

// Fields of the IdempotencyKey.
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(286).Annotations(bytewise).Immutable().
			Comment("<account id>/<key>"),
		reference("account_id"),
		field.String("event_id").SchemaType(idType).Annotations(bytewise),
		field.Bytes("body_hash").Comment("SHA-256 of the payload."),
		field.Time("expires_at"),
	}
}

// Indexes of the IdempotencyKey.
func (IdempotencyKey) Indexes() []ent.Index { return []ent.Index{index.Fields("expires_at")} }

// Annotations of the IdempotencyKey: it is no part of the API.
func (IdempotencyKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip()}
}

// Policy of the IdempotencyKey.
func (IdempotencyKey) Policy() ent.Policy { return rule.Policy(rule.Owned) }
