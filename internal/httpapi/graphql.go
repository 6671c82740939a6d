package httpapi

import (
	"context"
	"net/http"

	"datapusher/internal/auth"
)

// graphql hands a request on to the GraphQL API with its viewer. Without a
// credential it is nobody's, and the schema decides; a wrong one goes no further,
// because whoever sends it means to be somebody.
func (a *api) graphql(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r)
	if err != nil {
		return err
	}
	if v != nil {
		again := func() (*auth.Viewer, error) { return a.viewer(r) }
		r = r.WithContext(auth.With(r.Context(), v))
		r.Body = confirmed{r.Body, func() error { return confirm(r, again) }}
	}
	if r.Header.Get("Upgrade") != "" { // a credential may come in the first message
		r = r.WithContext(auth.Guarded(r.Context(), func(ctx context.Context, secret string) (*auth.Viewer, error) {
			return a.throttled(r.WithContext(ctx), secret, a.Auth.Authenticate)
		}))
	}
	a.GraphQL.ServeHTTP(w, r)
	return nil
}

// schema serves the GraphQL schema: to everybody, or where introspection is
// switched off to those with a credential.
func (a *api) schema(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if a.SchemaForViewers {
			v, err := a.viewer(r)
			if err == nil && v == nil {
				err = auth.Denied()
			}
			if err != nil {
				return err
			}
		}
		return serve(w, r)
	}
}

// metrics tells the numbers to the operator. Scrapers without a credential have
// a listener of their own (--metrics-listen).
func (a *api) metrics(w http.ResponseWriter, r *http.Request) error {
	if err := a.admin(r); err != nil {
		return err
	}
	a.Metrics.ServeHTTP(w, r)
	return nil
}
