package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"datapusher/ent/rule"
)

// Attempt is one HTTP try of a delivery. Its id is made of the delivery's id and
// the number, so that the primary key refuses the same number twice and finds a
// delivery's attempts.
type Attempt struct{ ent.Schema }

// Mixin of the Attempt.
func (Attempt) Mixin() []ent.Mixin { return []ent.Mixin{built{}} }

// Fields of the Attempt.
func (Attempt) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		reference("delivery_id"),
		field.Int("number").Positive().Immutable().
			Comment("From 1."),
		field.Int("status").Optional().Nillable().Immutable().
			Comment("The HTTP status; null when no answer came."),
		field.String("error_class").MaxLen(32).Optional().Immutable().
			Comment("Why no answer came: timeout, dns, connect, tls, …"),
		field.Time("started_at").Immutable().
			Comment("When the request began."),
		field.Int64("duration_us").Immutable().Annotations(entgql.Skip()).
			Comment("Microseconds from the start to the end of the answer."),
		field.Enum("asked_by").
			NamedValues("Schedule", "SCHEDULE", "Operator", "OPERATOR", "Replay", "REPLAY", "Probe", "PROBE").
			Default("SCHEDULE").Immutable().
			Comment("Who wanted it."),
		field.Int64("dns_us").Default(0).Immutable().Annotations(entgql.Skip()),
		field.Int64("connect_us").Default(0).Immutable().Annotations(entgql.Skip()),
		field.Int64("tls_us").Default(0).Immutable().Annotations(entgql.Skip()),
		field.Int64("first_byte_us").Default(0).Immutable().Annotations(entgql.Skip()),
		field.Bytes("request_headers").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("JSON: pairs of name and value; the destination's own values are masked."),
		field.Bytes("response_headers").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("JSON: pairs of name and value."),
		field.Bytes("response_body").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("At most 16 KiB, as received."),
		field.Bool("response_truncated").Default(false).Immutable().
			Comment("The answer was longer than what is kept of it."),
	}
}

// Edges of the Attempt.
func (Attempt) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("delivery", Delivery.Type).Ref("attempts").Field("delivery_id").Unique().Required().Immutable(),
	}
}

// Annotations of the Attempt.
func (Attempt) Annotations() []schema.Annotation {
	return node("One HTTP request of a delivery, and what came of it.")
}

// Policy of the Attempt.
func (Attempt) Policy() ent.Policy { return rule.Policy(rule.Owned) }
