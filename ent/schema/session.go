package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
	"datapusher/internal/id"
)

// Session is an administrator who has signed in with a browser. The cookie's
// secret is nowhere: it has 256 random bits, so a plain SHA-256 of it cannot be
// searched for.
type Session struct{ ent.Schema }

// Mixin of the Session.
func (Session) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: id.Session}} }

// Fields of the Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.Bytes("hash").Immutable().Sensitive().Unique().
			Comment("SHA-256 of the cookie's secret."),
		field.Bytes("admin_hash").Immutable().Sensitive().
			Comment("SHA-256 of the admin token that it was opened with: another token ends it."),
		field.String("address").MaxLen(45).Optional().Immutable().
			Comment("The IP address that it was opened from."),
		field.Time("created_at").Default(now).Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("revoked_at").Optional().Nillable(),
	}
}

// Indexes of the Session.
func (Session) Indexes() []ent.Index { return []ent.Index{index.Fields("expires_at")} }

// Annotations of the Session: it is no part of the API.
func (Session) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }

// Policy of the Session.
func (Session) Policy() ent.Policy { return rule.SystemOnly() }
