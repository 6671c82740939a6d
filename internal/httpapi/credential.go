package httpapi

import (
	"net/http"
	"time"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// credential is what a request's headers carry.
type credential struct {
	secret string // may be empty although there is a header: it is no token then
	given  bool   // one of the headers is there
}

// credentialOf reads Authorization and CL-X-TOKEN. One that contradicts itself is
// invalid: which of two tokens counts must not depend on who reads them.
func credentialOf(h http.Header) (credential, error) {
	bearer, token := h.Values("Authorization"), h.Values(auth.TokenHeader)
	if len(bearer) == 0 && len(token) == 0 {
		return credential{}, nil
	}
	secret, _ := auth.FromHeader(h)
	if len(bearer) > 1 || len(token) > 1 || len(token) == 1 && token[0] != secret {
		return credential{}, problem.Fields{{
			Name: "Authorization", Message: "must be the only credential: Authorization and " + auth.TokenHeader + " carry different ones",
		}}.Err()
	}
	return credential{secret: secret, given: true}, nil
}

// authenticate finds the viewer of a secret. No secret at all gets the same
// answer as a wrong one, after the same work.
func (a *api) authenticate(r *http.Request, secret string) (*auth.Viewer, error) {
	v, err := a.Auth.Authenticate(r.Context(), secret)
	if err != nil {
		return nil, err
	}
	rec := recordOf(r)
	rec.account, rec.known = v.AccountID, time.Now()
	return v, nil
}

// authenticateAccount finds the account's viewer of a secret. Elsewhere than in
// a header, and for events, the admin token is a wrong token.
func (a *api) authenticateAccount(r *http.Request, secret string) (*auth.Viewer, error) {
	v, err := a.authenticate(r, secret)
	if err != nil {
		return nil, err
	}
	if v.Kind != auth.Account {
		return nil, auth.Denied()
	}
	return v, nil
}

// tokenViewer finds the viewer of a request's token; nil where there is none.
func (a *api) tokenViewer(r *http.Request) (*auth.Viewer, error) {
	c, err := credentialOf(r.Header)
	if err != nil || !c.given {
		return nil, err
	}
	return a.authenticate(r, c.secret)
}

// viewer finds the viewer of a request's token or, without one, of its session;
// nil where there is neither. A token, a wrong one too, is the only credential.
func (a *api) viewer(r *http.Request) (*auth.Viewer, error) {
	v, err := a.tokenViewer(r)
	if err != nil || v != nil {
		return v, err
	}
	return a.sessionViewer(r)
}

// admin lets the operator in and nobody else.
func (a *api) admin(r *http.Request) error {
	v, err := a.viewer(r)
	switch {
	case err != nil:
		return err
	case v == nil:
		return auth.Denied()
	case v.Kind != auth.Admin:
		return problem.New(problem.Forbidden, "this takes the admin token")
	}
	return nil
}
