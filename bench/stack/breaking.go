package stack

import (
	"context"
	"fmt"
	"net/url"
)

// These are for those that break what stands.

// DatabaseURLOf is the URL of another database of the same server.
func (s *Stack) DatabaseURLOf(name string) (string, error) {
	u, err := url.Parse(s.postgres.URL)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// DropTemporal drops all that Temporal knows, while it does not run.
func (s *Stack) DropTemporal(ctx context.Context) error {
	db, err := s.Database(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, name := range []string{"temporal", "temporal_visibility"} {
		if _, err := db.Write.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop the database %s: %w", name, err)
		}
	}
	return nil
}
