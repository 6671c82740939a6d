package dbcopy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
)

const (
	// tellEvery is how many rows are compared between two words of progress.
	tellEvery = 10 * page
	// maxNamed bounds the ids in a report of what differs.
	maxNamed = 5
)

// compare reads a table on both sides, row by row, and fails where they differ.
func (c *copying) compare(ctx context.Context, t table, done *Table) error {
	source, stopSource := walk(t.rows(ctx, c.from, ""))
	defer stopSource()
	target, stopTarget := walk(t.rows(ctx, c.to, ""))
	defer stopTarget()
	var missing, extra, differs names
	n := 0
	for a, b := source(), target(); !a.ended || !b.ended; n++ {
		switch {
		case a.err != nil:
			return a.err
		case b.err != nil:
			return b.err
		case b.ended || !a.ended && a.id < b.id:
			missing.add(a.id)
			a = source()
		case a.ended || b.id < a.id:
			extra.add(b.id)
			b = target()
		default:
			if a.sum != b.sum {
				differs.add(a.id)
			}
			a, b = source(), target()
		}
		if n%tellEvery == 0 {
			c.tell(Progress{Table: t.name, Stage: Checking, Done: n, Total: done.Rows})
		}
	}
	done.Source, done.Target = stopSource(), stopTarget()
	c.tell(Progress{Table: t.name, Stage: Checking, Done: n, Total: done.Rows})
	if missing.n+extra.n+differs.n > 0 {
		return fmt.Errorf("%s is not the same on both sides: missing in the target: %s; there alone: %s; different: %s. "+
			"The source has changed since the copy began, or something has written to the target: "+
			"drop the target database and begin again with an empty one", t.name, &missing, &extra, &differs)
	}
	if done.Source != done.Target {
		return fmt.Errorf("%s: the sums of the two sides differ although their rows do not: this is a defect of the program", t.name)
	}
	return nil
}

// step is one row of a walk, or its end.
type step struct {
	row
	err   error
	ended bool
}

// walk goes through rows one by one. The end gives the sum of those that were passed.
func walk(rows iter.Seq2[row, error]) (next func() step, end func() string) {
	pull, stop := iter.Pull2(rows)
	sum := sha256.New()
	next = func() step {
		r, err, ok := pull()
		if ok && err == nil {
			sum.Write(r.sum[:])
		}
		return step{row: r, err: err, ended: !ok}
	}
	return next, func() string {
		stop()
		return hex.EncodeToString(sum.Sum(nil))
	}
}

// names are ids of rows: how many, and the first few.
type names struct {
	n     int
	first []string
}

func (s *names) add(id string) {
	if s.n++; s.n <= maxNamed {
		s.first = append(s.first, id)
	}
}

// String implements fmt.Stringer.
func (s *names) String() string {
	if s.n == 0 {
		return "0"
	}
	list := strings.Join(s.first, ", ")
	if s.n > maxNamed {
		list += ", …"
	}
	return fmt.Sprintf("%d (%s)", s.n, list)
}
