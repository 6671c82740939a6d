package httpapi

import (
	"context"
	"net/http"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// listed is how many rows a list of the seed's doors has at most. Its clients
// know no pages: what is beyond is behind ?after=.
const listed = 1000

// afterName is the query parameter that a list goes on with.
const afterName = "after"

// reader finds who asks, with the scope to read.
func (a *api) reader(r *http.Request) (context.Context, *auth.Viewer, error) {
	v, err := a.tokenViewer(r)
	if err == nil && v == nil {
		err = a.denied(r)
	}
	if err != nil {
		return nil, nil, err
	}
	ctx := auth.With(r.Context(), v)
	return ctx, v, auth.Require(ctx, auth.Read)
}

// page cuts what was read with one row more than a page has, and says after
// which id the list goes on.
func page[T any](rows []T, idOf func(T) string) (_ []T, next string) {
	if len(rows) <= listed {
		return rows, ""
	}
	return rows[:listed], idOf(rows[listed-1])
}

func badAfter() error {
	return problem.Fields{{Name: afterName, Message: "must be the next of the answer before"}}.Err()
}
