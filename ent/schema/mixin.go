// Package schema is the data model, written by hand; everything else in ent is
// generated from it. What the tables mean is told in docs/GLOSSARY.md.
//
// Events, deliveries and attempts grow without end: they carry account_id, have
// no foreign keys and are keyed by ids that sort by time, so that they can be
// partitioned and dropped whole.
package schema

import (
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"

	"datapusher/internal/id"
)

// idColumn keeps ids short and, in Postgres, compared byte by byte: a locale's
// order would be slower and would not be the order of time.
var (
	idType   = map[string]string{dialect.Postgres: "varchar(30)"}
	bytewise = entsql.Annotation{Collation: "C"}
)

// identified gives a type its prefixed id.
type identified struct {
	mixin.Schema
	prefix id.Prefix
}

func (m identified) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").
			SchemaType(idType).
			Annotations(bytewise, entgql.OrderField("CREATED_AT")).
			DefaultFunc(func() string { return id.New(m.prefix, time.Now()) }).
			Immutable(),
	}
}

// built gives a type an id that is built from its parent's: nobody makes one up.
type built struct{ mixin.Schema }

func (built) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").
			SchemaType(idType).
			Annotations(bytewise, entgql.OrderField("CREATED_AT")).
			NotEmpty().
			Immutable(),
	}
}

// reference is a column that holds the id of another row.
func reference(name string) ent.Field {
	return field.String(name).SchemaType(idType).Annotations(bytewise, entgql.Type("ID")).Immutable().
		StructTag(`json:"` + name + `,omitempty"`)
}

// optionalReference is a reference that may be missing.
func optionalReference(name, comment string) ent.Field {
	return field.String(name).SchemaType(idType).Annotations(bytewise, entgql.Type("ID")).Optional().Immutable().
		Comment(comment)
}

// timed gives a type the times of its creation and last change.
type timed struct{ mixin.Schema }

func (timed) Fields() []ent.Field {
	return []ent.Field{
		field.Time("created_at").Default(now).Immutable(),
		field.Time("updated_at").Default(now).UpdateDefault(now),
	}
}

// retired gives a type soft deletion: the row stays for the history that names
// it, queries no longer see it (rule.Living).
type retired struct{ mixin.Schema }

func (retired) Fields() []ent.Field {
	return []ent.Field{
		field.Time("deleted_at").Optional().Nillable().Annotations(entgql.Skip()),
	}
}

// seeded gives a type the integer id that it had in the seed system.
type seeded struct{ mixin.Schema }

func (seeded) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("seed_id").Optional().Nillable().Unique().Annotations(entgql.Skip()),
	}
}

// now is the time as both databases keep it: UTC, to the microsecond.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
