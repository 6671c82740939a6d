package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
	"datapusher/internal/id"
)

// Destination is where an account's events go.
type Destination struct{ ent.Schema }

// Mixin of the Destination.
func (Destination) Mixin() []ent.Mixin {
	return []ent.Mixin{identified{prefix: id.Destination}, timed{}, retired{}, seeded{}}
}

// Fields of the Destination.
func (Destination) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.String("name").MaxLen(200).Optional().
			Comment("What people call it; shown with its deliveries."),
		field.String("url").MaxLen(2048).NotEmpty().
			Comment("http or https."),
		field.Enum("http_method").
			NamedValues("Get", "GET", "Post", "POST", "Put", "PUT", "Patch", "PATCH", "Delete", "DELETE").
			Default("POST").
			Annotations(entgql.Type("HTTPMethod")).
			Comment("GET sends the event in the query string, the others as a JSON body."),
		field.Bytes("headers").Optional().Sensitive().Annotations(entgql.Skip()).
			Comment("Sealed: names and values in the owner's order."),
		field.Bytes("signing_secrets").Sensitive().Annotations(entgql.Skip()).
			Comment("Sealed: the signing keys, newest first, with the end of each."),
		field.Bool("enabled").Default(true).
			Comment("false: deliveries park until it is enabled again."),
		field.Enum("state").
			NamedValues("Sending", "SENDING", "Paused", "PAUSED", "Open", "OPEN", "Disabled", "DISABLED").
			Default("SENDING").
			Comment("In every state but SENDING deliveries park."),
		field.String("reason").MaxLen(200).Optional().
			Comment("Why the state is not SENDING."),
		field.Time("state_since").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("When the state last changed; null: never."),
		field.Time("paused_until").Optional().Nillable().
			Comment("When it goes on by itself; null where it is not paused, or without an end."),

		// How it stands, beside the state: internal/breaker says what these mean.
		field.Bool("draining").Default(false).Annotations(entgql.Skip()).
			Comment("New deliveries queue behind the parked ones until none is left."),
		field.Float("drain_rate").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("Deliveries a second while it drains; null: the ramp."),
		field.String("failing").MaxLen(160).Optional().Annotations(entgql.Skip()).
			Comment("The first deliveries that have failed since the last success."),
		field.Time("failing_since").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("When the first of them failed."),
		field.Time("probe_at").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("When an open breaker probes next."),
		field.Int("probes").Default(0).Annotations(entgql.Skip()).
			Comment("How many probes in a row have failed."),
		field.String("probed").MaxLen(30).Optional().Annotations(bytewise, entgql.Skip()).
			Comment("The delivery that was probed with last."),

		field.String("retry_schedule").MaxLen(400).Optional().Annotations(entgql.Skip()).
			Comment("The waits between attempts, such as 5s 5m; empty: the default."),
		field.Int("timeout_ms").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("Total time of an attempt; null: the default."),
		field.Int("give_up_after_s").Optional().Nillable().Annotations(entgql.Skip()).
			Comment("Age at which a delivery is given up, the time it was parked not counted; null: never."),
		field.Enum("signing_algorithm").
			NamedValues("HMACSHA256", "HMAC_SHA256", "Ed25519", "ED25519").
			Default("HMAC_SHA256").
			Comment("How deliveries are signed: v1 or v1a of Standard Webhooks."),
	}
}

// Edges of the Destination.
func (Destination) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("account", Account.Type).Ref("destinations").Field("account_id").Unique().Required().Immutable(),
		edge.To("deliveries", Delivery.Type).Annotations(entgql.RelayConnection()),
	}
}

// Indexes of the Destination.
func (Destination) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "id")}
}

// Annotations of the Destination.
func (Destination) Annotations() []schema.Annotation {
	return node("Where an account's events go: a URL, the HTTP method and headers to send them with.")
}

// Policy of the Destination.
func (Destination) Policy() ent.Policy { return rule.Policy(rule.OwnedLiving) }
