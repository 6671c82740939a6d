package auth

import (
	"context"

	"datapusher/internal/problem"
)

// Require fails unless the context's viewer has that scope: unauthenticated
// without a viewer, forbidden without the scope.
func Require(ctx context.Context, s Scope) error {
	switch v := From(ctx); {
	case v == nil:
		return Denied()
	case !v.Can(s):
		return problem.New(problem.Forbidden, "the credential does not have the scope %s", s)
	}
	return nil
}
