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

// Account is the owner of destinations.
type Account struct{ ent.Schema }

// Mixin of the Account.
func (Account) Mixin() []ent.Mixin {
	return []ent.Mixin{identified{prefix: id.Account}, timed{}, retired{}, seeded{}}
}

// Fields of the Account.
func (Account) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxLen(200).NotEmpty().
			Comment("What people call it."),
		field.String("email").MaxLen(254).NotEmpty().
			Comment("In lower case; unique among the accounts that are not deleted."),
		field.String("website").MaxLen(2048).Optional().
			Comment("A web address of its owner."),
		field.Strings("allow_cidrs").Optional().
			Comment("Networks that are not public and that its destinations may be in all the same; an administrator sets them."),
	}
}

// Edges of the Account.
func (Account) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("tokens", Token.Type).Annotations(entgql.RelayConnection()),
		edge.To("destinations", Destination.Type).Annotations(entgql.RelayConnection()),
		edge.To("events", Event.Type).Annotations(entgql.RelayConnection()),
	}
}

// Indexes of the Account.
func (Account) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("email").Unique().Annotations(entsql.IndexWhere("deleted_at IS NULL")),
	}
}

// Annotations of the Account.
func (Account) Annotations() []schema.Annotation {
	return node("The owner of destinations and events. Its tokens authenticate what it sends and asks.")
}

// Policy of the Account: its own viewers see it, as long as it lives.
func (Account) Policy() ent.Policy { return rule.Policy(rule.Self) }
