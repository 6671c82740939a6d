package seed

import (
	"fmt"
	"io"
)

// Count is what became of the rows of one table.
type Count struct {
	Added   int // new here
	Present int // imported before, left as they are
	Refused int // not taken over; Problems say why
}

func (c Count) String() string {
	return fmt.Sprintf("%d added, %d already there, %d not taken over", c.Added, c.Present, c.Refused)
}

// Report is what an import did.
type Report struct {
	Accounts, Destinations Count
	// Problems name the seed's row and say what was not taken over, and why.
	Problems []string
}

func (r *Report) note(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Write prints the report for a person.
func (r *Report) Write(w io.Writer) error {
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "accounts:     %s\ndestinations: %s\n", r.Accounts, r.Destinations)
	return err
}
