package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
	"datapusher/internal/id"
)

// Event is one accepted payload. Nothing of it ever changes.
type Event struct{ ent.Schema }

// Mixin of the Event.
func (Event) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: id.Event}} }

// Fields of the Event.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.String("event_type").MaxRuneLen(128).Optional().Immutable().
			Comment("As the sender named it in Event-Type."),
		field.String("idempotency_key").MaxLen(255).Optional().Immutable().
			Comment("The sender's Idempotency-Key: the same key again is the same event."),
		field.Bytes("payload").Immutable().Annotations(entgql.Skip()).
			Comment("The bytes as received."),
		field.Time("created_at").Default(now).Immutable().
			Comment("When it was accepted."),
		optionalReference("replay_of", "The event that this one replays."),
		optionalReference("replay_id", "The bulk replay that made it."),
		field.Bytes("headers").Optional().Immutable().Sensitive().Annotations(entgql.Skip()).
			Comment("Sealed: headers of a replay, which win over the destination's."),
	}
}

// Edges of the Event.
func (Event) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("account", Account.Type).Ref("events").Field("account_id").Unique().Required().Immutable(),
		edge.To("deliveries", Delivery.Type).Annotations(entgql.RelayConnection()),
	}
}

// Indexes of the Event.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "id"),
		index.Fields("replay_of").Annotations(entsql.IndexWhere("replay_of IS NOT NULL")),
		index.Fields("replay_id", "id").Annotations(entsql.IndexWhere("replay_id IS NOT NULL")),
	}
}

// Annotations of the Event.
func (Event) Annotations() []schema.Annotation {
	return node("One accepted payload. Nothing of it ever changes.")
}

// Policy of the Event.
func (Event) Policy() ent.Policy { return rule.Policy(rule.Owned) }
