package keyed

import (
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqlgraph"

	"datapusher/ent/migrate"
)

// The privacy rules narrow a query's own rows, and not those that a condition on an
// edge looks at. What is here does that.

const (
	accountColumn = "account_id"
	deletedColumn = "deleted_at"
)

// shape is what there is to know of a table.
type shape struct {
	owned   bool              // its rows name their account
	retired bool              // they are deleted softly
	leads   map[string]string // the tables that its references are of, by column
}

var shapes = func() map[string]shape {
	all := make(map[string]shape, len(migrate.Tables))
	for _, t := range migrate.Tables {
		s := shape{owned: t.HasColumn(accountColumn), retired: t.HasColumn(deletedColumn), leads: map[string]string{}}
		for _, f := range t.ForeignKeys {
			s.leads[f.Columns[0].Name] = f.RefTable.Name
		}
		all[t.Name] = s
	}
	return all
}()

// reach narrows the rows that a condition looks at to those that an edge of a row
// shows: of the same account, and not deleted. Nothing in the database enforces
// that a delivery's event and destination are of its account. It is written so that
// Postgres makes no more of it: as a plain equality it would choose an index by the
// account, whose rows are many more than the edge's, and believe that next to none
// fulfils both, where all do.
func reach(s, rows *sql.Selector) {
	to := shapes[rows.TableName()]
	if to.owned && shapes[s.TableName()].owned {
		rows.Where(sql.P(func(b *sql.Builder) {
			b.WriteString("coalesce(" + rows.C(accountColumn) + " = " + s.C(accountColumn) + ", false)")
		}))
	}
	if to.retired {
		rows.Where(sql.IsNull(rows.C(deletedColumn)))
	}
}

// whole is a step that knows its neighbours' table: ent leaves it out where there
// is no condition on them.
func whole(step *sqlgraph.Step) *sqlgraph.Step {
	if step.To.Table != "" || !step.FromEdgeOwner() {
		return step
	}
	known := *step
	known.To.Table, known.To.Column = shapes[step.Edge.Table].leads[step.Edge.Columns[0]], "id"
	return &known
}

// OfLivingAccount narrows a query to rows whose account is not deleted, and has the
// database look at the accounts of the rows that it finds otherwise, one by one.
// HasAccountWith leaves it the choice: as long as it has not counted its tables it
// walks all accounts to find one row.
func OfLivingAccount(s *sql.Selector) {
	s.Where(sql.P(func(b *sql.Builder) {
		b.WriteString("(SELECT owner.deleted_at IS NULL FROM accounts AS owner WHERE owner.id = " + s.C(accountColumn) + ")")
	}))
}
