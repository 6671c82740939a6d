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

// Session is somebody who has signed in with a browser: an administrator, with
// the admin token; or an account's, with one of its tokens or by a portal link.
// The cookie's secret is nowhere: it has 256 random bits, so a plain SHA-256 of it
// cannot be searched for.
type Session struct{ ent.Schema }

// Mixin of the Session.
func (Session) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: id.Session}} }

// Fields of the Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.Bytes("hash").Immutable().Sensitive().Unique().
			Comment("SHA-256 of the cookie's secret."),
		field.Bytes("admin_hash").Optional().Immutable().Sensitive().
			Comment("SHA-256 of the admin token that it was opened with: another token ends it. Null: an account's."),
		optionalReference("account_id", "The account that it is restricted to; null: an administrator's."),
		optionalReference("token_id", "The token that it was opened with: what ends that ends it, and it may do no more."),
		optionalReference("portal_link_id", "The portal link that opened it."),
		field.Strings("scopes").Optional().Immutable().
			Comment("What it may do, of a portal link's; a token's are looked up."),
		field.String("address").MaxLen(45).Optional().Immutable().
			Comment("The IP address that it was opened from."),
		field.Time("created_at").Default(now).Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("revoked_at").Optional().Nillable(),
	}
}

// Indexes of the Session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("expires_at"),
		index.Fields("account_id"),
	}
}

// Annotations of the Session: it is no part of the API.
func (Session) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }

// Policy of the Session.
func (Session) Policy() ent.Policy { return rule.SystemOnly() }
