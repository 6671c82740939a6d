package httpapi

import (
	"context"
	"net/http"
	"strings"

	"datapusher/internal/auth"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// change reads the body of a change and finds out whose request it is.
//
// A credential's header says so, or the body's secret_token. Where both are
// there both must be valid, and the change is made with the rights of the
// secret_token: it is never the wider one.
func (a *api) change(w http.ResponseWriter, r *http.Request, names ...string) (context.Context, *seedInput, error) {
	v, err := a.tokenViewer(r)
	if err != nil {
		return nil, nil, err
	}
	if err := checkMedia(r.Header); err != nil {
		return nil, nil, err
	}
	body, err := readBody(w, r, maxChange)
	if err != nil {
		return nil, nil, err
	}
	if v != nil {
		if err := confirm(r, func() (*auth.Viewer, error) { return a.tokenViewer(r) }); err != nil {
			return nil, nil, err
		}
	}
	if err := checkJSON("body", body, jsoncheck.MaxDepth); err != nil {
		return nil, nil, err
	}
	in := seedObject(body, append(names, secretTokenName)...)
	secret := value(in.text(secretTokenName))
	if v == nil || in.has(secretTokenName) {
		if err := in.broken.Err(); err != nil {
			return nil, nil, err
		}
		own, err := a.authenticateAccount(r, secret)
		if err != nil {
			return nil, nil, err
		}
		if v != nil && !v.Owns(own.AccountID) {
			return nil, nil, auth.Denied()
		}
		v = own
	}
	ctx := auth.With(r.Context(), v)
	return ctx, in, auth.Require(ctx, auth.Manage)
}

// seedNames gives the fields of an error the names that the seed's door has for
// them.
func seedNames(err error, names map[string]string) error {
	if problem.CodeOf(err) != problem.Invalid {
		return err
	}
	p := *problem.From(err)
	p.Fields = append(problem.Fields(nil), p.Fields...)
	for i, f := range p.Fields {
		for from, to := range names {
			if rest, ok := strings.CutPrefix(f.Name, from); ok && (rest == "" || rest[0] == '.') {
				p.Fields[i].Name = to + rest
			}
		}
	}
	return &p
}
