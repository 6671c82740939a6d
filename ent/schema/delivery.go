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
)

// Delivery is one event to one destination.
type Delivery struct{ ent.Schema }

// Mixin of the Delivery.
func (Delivery) Mixin() []ent.Mixin { return []ent.Mixin{built{}} }

// Fields of the Delivery.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		reference("event_id"),
		reference("destination_id"),
		field.Enum("status").
			NamedValues("Pending", "PENDING", "Delivering", "DELIVERING", "Retrying", "RETRYING", "Parked", "PARKED",
				"Succeeded", "SUCCEEDED", "Failed", "FAILED", "Canceled", "CANCELED").
			Default("PENDING").
			Comment("Where it stands."),
		field.String("reason").MaxLen(200).Optional().
			Comment("Why it waits, failed or was canceled."),
		field.Int("attempt_count").Default(0).
			Comment("How many attempts have been made."),
		field.Time("next_attempt_at").Optional().Nillable().
			Comment("Null when nothing more is due."),
		field.String("run").MaxLen(64).Annotations(bytewise, entgql.Skip()).
			Comment("The workflow that owns the delivery: it alone attempts and records."),
		field.Time("lease_until").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("Until then the reconciler trusts the owner; on the database's clock."),
		field.Int("schedule_step").Default(0).Annotations(entgql.Skip()).
			Comment("How many waits of the schedule are used up; probes and manual retries use none."),
		field.Enum("steered").NamedValues("Retry", "RETRY", "Postpone", "POSTPONE").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("An operator set the next attempt: RETRY is made whatever the destination's state."),
		field.Time("parked_at").Optional().Nillable().
			Comment("Since when it is parked; null when it is not."),
		field.Int64("parked_us").Default(0).Annotations(entgql.Skip()).
			Comment("Microseconds that it has been parked before: they do not count towards giving up."),
		field.Time("created_at").Default(now).Immutable(),
		field.Time("settled_at").Optional().Nillable().
			Comment("When it succeeded, failed or was canceled."),
	}
}

// Edges of the Delivery. Nothing in the database enforces them: a destination
// may be deleted, an old event dropped. The API answers null then.
func (Delivery) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("event", Event.Type).Ref("deliveries").Field("event_id").Unique().Required().Immutable(),
		edge.From("destination", Destination.Type).Ref("deliveries").Field("destination_id").Unique().Required().Immutable(),
		edge.To("attempts", Attempt.Type).Annotations(entgql.RelayConnection()),
	}
}

// unsettled is the part of the table that the engine works on: small, however
// long the history.
const unsettled = "status IN ('PENDING', 'DELIVERING', 'RETRYING')"

// Indexes of the Delivery. An event's deliveries are a range of the primary key.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "id"),
		index.Fields("destination_id", "id"),
		index.Fields("run").StorageKey("delivery_run_unsettled").Annotations(entsql.IndexWhere(unsettled)),
		index.Fields("lease_until").StorageKey("delivery_lease_unsettled").Annotations(entsql.IndexWhere(unsettled)),
		index.Fields("account_id", "id").StorageKey("delivery_unsuccessful").Annotations(entsql.IndexWhere("status IN ('FAILED', 'CANCELED')")),
		index.Fields("destination_id", "id").StorageKey("delivery_parked").Annotations(entsql.IndexWhere("status = 'PARKED'")),
		index.Fields("destination_id", "id").StorageKey("delivery_retrying").Annotations(entsql.IndexWhere("status = 'RETRYING'")),
	}
}

// Annotations of the Delivery.
func (Delivery) Annotations() []schema.Annotation {
	return node("One event on its way to one destination.")
}

// Policy of the Delivery.
func (Delivery) Policy() ent.Policy { return rule.Policy(rule.Owned) }
