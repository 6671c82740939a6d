package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
	"datapusher/internal/id"
)

// Replay sends the events that match a filter once more, each as an event of its
// own. It is a durable loop of the core: where it stands is in the row.
type Replay struct{ ent.Schema }

// Mixin of the Replay.
func (Replay) Mixin() []ent.Mixin {
	return []ent.Mixin{identified{prefix: id.Replay}, timed{}}
}

// Fields of the Replay.
func (Replay) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.Enum("status").
			NamedValues("Running", "RUNNING", "Paused", "PAUSED", "Canceled", "CANCELED", "Completed", "COMPLETED").
			Default("RUNNING"),
		field.String("actor").MaxLen(64).Immutable().
			Comment("Who asked for it: admin, or the id of a token."),
		field.String("reason").MaxLen(200).Optional().
			Comment("Why, as the one who paused or canceled it said, or who asked for it."),

		optionalReference("destination_id", "Only what went to this destination."),
		field.Time("from_time").Immutable().Annotations(entgql.Skip()).
			Comment("Events accepted from then on …"),
		field.Time("to_time").Immutable().Annotations(entgql.Skip()).
			Comment("… and before then."),
		field.String("event_type").MaxRuneLen(128).Optional().Immutable().
			Comment("Only events of this type."),
		field.Strings("statuses").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("Only deliveries with one of these statuses when their turn comes."),
		field.Strings("target_ids").Optional().Immutable().Annotations(entgql.Skip()).
			Comment("Where they go instead of where they went."),
		field.Float("rate").Immutable().
			Comment("Events a second."),

		field.Int("matched").Immutable().
			Comment("Events that matched when it was asked for."),
		field.String("position").MaxLen(30).Optional().Annotations(bytewise, entgql.Skip()).
			Comment("The last event that it has looked at."),
		field.Int("replayed").Default(0).
			Comment("Events that it has sent once more so far."),
		field.Int("skipped").Default(0).
			Comment("Events that matched and have no destination any more."),
		field.Int("deliveries").Default(0).
			Comment("Deliveries that it has made so far."),
		field.Time("finished_at").Optional().Nillable().
			Comment("When it was completed or canceled."),
	}
}

// Indexes of the Replay.
func (Replay) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "id"),
		index.Fields("updated_at").StorageKey("replay_running").Annotations(entsql.IndexWhere("status = 'RUNNING'")),
	}
}

// Annotations of the Replay.
func (Replay) Annotations() []schema.Annotation {
	return node("Events that match a filter, sent once more.")
}

// Policy of the Replay.
func (Replay) Policy() ent.Policy { return rule.Policy(rule.Owned) }
