package httpapi

import (
	"net/http"
	"time"

	"datapusher/internal/auth"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// What somebody signs in with, as a member of the body.
const (
	adminTokenName = "admin_token"
	tokenName      = "token"
	portalLinkName = "portal_link"
	// maxSignIn is the longest body, in bytes, of a sign-in.
	maxSignIn = 4 << 10
)

// signedIn says who a request comes from.
type signedIn struct {
	Kind      auth.Kind  `json:"kind"`
	AccountID *string    `json:"account_id"` // null: the operator
	ExpiresAt *time.Time `json:"expires_at"` // null: never
}

func signedInAs(v *auth.Viewer) signedIn {
	s := signedIn{Kind: v.Kind}
	if v.AccountID != "" {
		s.AccountID = &v.AccountID
	}
	if !v.ExpiresAt.IsZero() {
		end := v.ExpiresAt
		s.ExpiresAt = &end
	}
	return s
}

// signIn opens a session and sets its cookie: for whoever has the admin token or a
// token of an account, in a header or as {"token"}, or a portal link, as
// {"portal_link"}. {"admin_token"} takes the admin token alone.
func (a *api) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := sameOrigin(r); err != nil {
		return err
	}
	with, secret, err := signInWith(w, r)
	if err != nil {
		return err
	}
	v, err := a.comer(r, with, secret)
	if err != nil {
		return err
	}
	opened, secret, err := a.Pusher.SignIn(auth.With(r.Context(), v), clientAddress(r))
	if err != nil {
		return err
	}
	life := opened.ExpiresAt.Sub(opened.CreatedAt)
	end := opened.ExpiresAt
	if !v.ExpiresAt.IsZero() && v.PortalLinkID == "" && v.ExpiresAt.Before(end) {
		end = v.ExpiresAt // with the token
	}
	http.SetCookie(w, sessionCookie(r, secret, life))
	writeJSON(w, "application/json", http.StatusOK, signedInAs(&auth.Viewer{Kind: v.Kind, AccountID: v.AccountID, ExpiresAt: end}))
	return nil
}

// comer finds out who wants to sign in.
func (a *api) comer(r *http.Request, with, secret string) (*auth.Viewer, error) {
	if with == portalLinkName {
		v, err := a.throttled(r, secret, a.Auth.AuthenticatePortalLink)
		if err == nil {
			rec := recordOf(r)
			rec.account, rec.known = v.AccountID, time.Now()
		}
		return v, err
	}
	v, err := a.authenticate(r, secret)
	if err == nil && with == adminTokenName && v.Kind != auth.Admin {
		return nil, auth.Denied()
	}
	return v, err
}

// signInWith finds what somebody signs in with, and what kind it is said to be.
func signInWith(w http.ResponseWriter, r *http.Request) (with, secret string, err error) {
	c, err := credentialOf(r.Header)
	if err != nil || c.given {
		return tokenName, c.secret, err
	}
	if err := checkMedia(r.Header); err != nil {
		return "", "", err
	}
	body, err := readBody(w, r, maxSignIn)
	if err != nil {
		return "", "", err
	}
	if err := checkJSON("body", body, jsoncheck.MaxDepth); err != nil {
		return "", "", err
	}
	in := seedObject(body, adminTokenName, tokenName, portalLinkName)
	for _, name := range []string{adminTokenName, tokenName, portalLinkName} {
		if _, given := in.values[name]; !given {
			continue
		}
		if with != "" {
			in.refuse(name, "must be the only credential")
		}
		with = name
	}
	if with == "" {
		with = tokenName
	}
	in.need(with)
	secret = value(in.text(with))
	return with, secret, in.broken.Err()
}

// session says who is signed in.
func (a *api) session(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r)
	if err == nil && v == nil {
		err = auth.Denied()
	}
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, signedInAs(v))
	return nil
}

// signOut ends the session of a request, and takes its cookie away. A cookie
// that is no good is taken away, too.
func (a *api) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := sameOrigin(r); err != nil {
		return err
	}
	v, err := a.viewer(r)
	code := problem.CodeOf(err)
	if code == problem.Unauthenticated || code == problem.RateLimited || err == nil && v != nil && v.SessionID != "" {
		http.SetCookie(w, sessionCookie(r, "", 0))
	}
	if err == nil && v == nil {
		err = auth.Denied()
	}
	if err != nil {
		return err
	}
	if err := a.Pusher.SignOut(auth.With(r.Context(), v), clientAddress(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
