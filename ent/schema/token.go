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

// Token is a credential of an account. The secret itself is nowhere: it has
// 256 random bits, so a plain SHA-256 of it cannot be searched for.
type Token struct{ ent.Schema }

// Mixin of the Token.
func (Token) Mixin() []ent.Mixin {
	return []ent.Mixin{identified{prefix: id.Token}}
}

// Fields of the Token.
func (Token) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.Time("created_at").Default(now).Immutable(),
		field.String("name").MaxLen(200).NotEmpty().
			Comment("What it is for."),
		field.Strings("scopes").Annotations(entgql.Skip()),
		field.Bytes("hash").Immutable().Sensitive().Annotations(entgql.Skip()).
			Comment("SHA-256 of the secret."),
		field.String("prefix").MaxLen(16).Immutable().
			Comment("The secret's first characters: shown, and looked up by."),
		field.Bool("first").Default(false).
			Comment("The account's secret token, which rotateSecretToken replaces."),
		field.Time("last_used_at").Optional().Nillable().
			Comment("To the minute; null when it has never been used."),
		field.Time("expires_at").Optional().Nillable().
			Comment("From then on it is refused; null: never."),
		field.Time("revoked_at").Optional().Nillable().
			Comment("Since then it is refused."),
	}
}

// Edges of the Token.
func (Token) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("account", Account.Type).Ref("tokens").Field("account_id").Unique().Required().Immutable(),
	}
}

// Indexes of the Token.
func (Token) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "id"),
		index.Fields("prefix"),
	}
}

// Annotations of the Token.
func (Token) Annotations() []schema.Annotation {
	return node("A credential of an account. Its secret is shown when it is made, and kept nowhere.")
}

// Policy of the Token.
func (Token) Policy() ent.Policy { return rule.Policy(rule.Owned) }
