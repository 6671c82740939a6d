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

// PortalLink opens a session of one account, once. Its secret is nowhere: it has
// 256 random bits, so a plain SHA-256 of it cannot be searched for.
type PortalLink struct{ ent.Schema }

// Mixin of the PortalLink.
func (PortalLink) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: id.PortalLink}} }

// Fields of the PortalLink.
func (PortalLink) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.Bytes("hash").Immutable().Sensitive().Unique().
			Comment("SHA-256 of the link's secret."),
		field.Strings("scopes").Immutable().
			Comment("What its session may do."),
		field.Int("session_s").Immutable().
			Comment("How long its session lasts, in seconds."),
		field.Time("created_at").Default(now).Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("used_at").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
	}
}

// Indexes of the PortalLink.
func (PortalLink) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id"), index.Fields("expires_at")}
}

// Annotations of the PortalLink: it is shown once, when it is made.
func (PortalLink) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }

// Policy of the PortalLink.
func (PortalLink) Policy() ent.Policy { return rule.SystemOnly() }
