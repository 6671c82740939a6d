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
