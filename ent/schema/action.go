package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
	"datapusher/internal/id"
)

// Action is something that somebody did to a delivery, a destination or a
// replay, or that the system did by itself: the answer to "who, and why".
type Action struct{ ent.Schema }

// Mixin of the Action.
func (Action) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: id.Action}} }

// Fields of the Action.
func (Action) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		reference("subject_id"),
		field.Enum("kind").
			NamedValues("Retry", "RETRY", "Cancel", "CANCEL", "Postpone", "POSTPONE",
				"Pause", "PAUSE", "Resume", "RESUME", "Disable", "DISABLE", "Open", "OPEN", "Close", "CLOSE",
				"Replay", "REPLAY", "Test", "TEST", "Delete", "DELETE").
			Immutable().
			Comment("What was done; OPEN and CLOSE are the breaker's."),
		field.String("actor").MaxLen(64).Immutable().
			Comment("Who: admin, the id of a token, or system."),
		field.String("reason").MaxLen(200).Optional().Immutable().
			Comment("Why."),
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
	return node("Something that was done to a delivery, a destination or a replay: by whom, and why.")
}

// Policy of the Action.
func (Action) Policy() ent.Policy { return rule.Policy(rule.Owned) }
