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

// Action is something that somebody did, or that the system did by itself: the
// audit log, and the answer to "who, and why". Actions are only added.
type Action struct{ ent.Schema }

// Mixin of the Action.
func (Action) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: id.Action}} }

// Fields of the Action.
func (Action) Fields() []ent.Field {
	return []ent.Field{
		optionalReference("account_id", "Whose it is; null for what belongs to no account, such as an operator's session."),
		reference("subject_id"),
		field.Enum("kind").
			NamedValues("Retry", "RETRY", "Cancel", "CANCEL", "Postpone", "POSTPONE",
				"Pause", "PAUSE", "Resume", "RESUME", "Disable", "DISABLE", "Open", "OPEN", "Close", "CLOSE",
				"Replay", "REPLAY", "Test", "TEST", "Delete", "DELETE",
				"Create", "CREATE", "Update", "UPDATE", "Revoke", "REVOKE", "Rotate", "ROTATE", "Import", "IMPORT",
				"SignIn", "SIGN_IN", "SignOut", "SIGN_OUT").
			Immutable().
			Comment("What was done; OPEN and CLOSE are the breaker's."),
		field.String("actor").MaxLen(64).Immutable().
			Comment("Who: admin, the id of a token or of a portal link, or system."),
		field.String("reason").MaxLen(200).Optional().Immutable().
			Comment("Why."),
		field.Bytes("before").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("JSON of what was changed, as it was; without secrets."),
		field.Bytes("after").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("JSON of the same, as it is since."),
		field.String("address").MaxLen(45).Optional().Immutable().
			Comment("The IP address that it was asked for from; null for what the system did by itself."),
		field.String("request_id").MaxLen(128).Optional().Immutable().
			Comment("The X-Request-Id of the answer, which finds its line in the log."),
		field.Time("created_at").Default(now).Immutable(),
	}
}

// Indexes of the Action.
func (Action) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "id"),
		index.Fields("subject_id", "id"),
	}
}

// Annotations of the Action.
func (Action) Annotations() []schema.Annotation {
	return node("Something that was done: by whom, from where, and why. Actions are the audit log; none is ever changed or deleted.")
}

// Policy of the Action. Triggers in the database say the same (ent/migrations).
func (Action) Policy() ent.Policy { return rule.AppendOnly(rule.Owned) }
