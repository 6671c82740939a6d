package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"datapusher/ent/rule"
)

// Statistic is what one process has counted in one minute, or one hour, of one
// account, of one destination, or of everything. Its writer alone writes it, and
// each time as it stands by then, so that writing twice changes nothing.
//
// The id is <subject>/<m or h>/<when it begins, in minutes since 1970>/<writer>:
// a span of a subject is a range of the primary key.
type Statistic struct{ ent.Schema }

// Fields of the Statistic.
func (Statistic) Fields() []ent.Field {
	count := func(name, comment string) ent.Field { return field.Int64(name).Default(0).Comment(comment) }
	return []ent.Field{
		field.String("id").MaxLen(100).NotEmpty().Immutable().Annotations(bytewise),
		optionalReference("account_id", "Whose it is; null for what is counted of everything."),
		optionalReference("destination_id", "Null for what is counted of a whole account, or of everything."),
		field.Bool("hourly").Immutable().
			Comment("Of an hour; otherwise of a minute."),
		field.Time("at").Immutable().
			Comment("When the minute or the hour begins."),
		field.String("writer").MaxLen(30).Immutable().Annotations(bytewise).
			Comment("The process that counted."),
		count("events", "Events that were accepted."),
		count("deliveries", "Deliveries that were made for them."),
		count("attempts", "Attempts that ended."),
		count("failed_attempts", "Attempts that the receiver did not accept."),
		count("succeeded", "Deliveries that succeeded."),
		count("failed", "Deliveries that failed for good."),
		field.Text("detail").Optional().
			Comment("How attempts ended and how long they and deliveries took: JSON."),
		field.Time("updated_at").
			Comment("When the process wrote it last."),
	}
}

// Indexes of the Statistic.
func (Statistic) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("hourly", "at"),
		index.Fields("hourly", "at").StorageKey("statistic_troubled").
			Annotations(entsql.IndexWhere("failed_attempts > 0")),
	}
}

// Annotations of the Statistic: the API shows sums of it.
func (Statistic) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }

// Policy of the Statistic.
func (Statistic) Policy() ent.Policy { return rule.Policy(rule.Owned) }
