package dbtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"entgo.io/ent/dialect"

	"datapusher/ent"
	"datapusher/internal/database"
)

// Statements are those that were made through an ent client.
type Statements struct {
	mu  sync.Mutex
	all []string
}

// Listen gives the same database with an ent client whose statements are noted.
func Listen(db *database.DB) (*database.DB, *Statements) {
	s := &Statements{}
	heard := *db
	heard.Ent = ent.NewClient(ent.Driver(dialect.DebugWithContext(db.Driver(), func(_ context.Context, v ...any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = append(s.all, fmt.Sprint(v...))
	})))
	return &heard, s
}

// During are the statements that a call makes, with their arguments.
func (s *Statements) During(f func()) []string {
	s.mu.Lock()
	s.all = nil
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

var (
	arguments   = regexp.MustCompile(`(?s) args=.*`)
	transaction = regexp.MustCompile(`Tx\([^)]*\)`)
)

// ShapesDuring are the statements that a call makes without what differs from one
// call to the next: their arguments, and which transaction they are part of.
func (s *Statements) ShapesDuring(f func()) []string {
	all := s.During(f)
	for i, one := range all {
		all[i] = transaction.ReplaceAllString(arguments.ReplaceAllString(one, ""), "Tx")
	}
	return all
}
