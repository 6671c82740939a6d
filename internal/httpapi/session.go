package httpapi

import (
	"net/http"
	"time"

	"datapusher/internal/auth"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

const (
	adminTokenName = "admin_token"
	// maxSignIn is the longest body, in bytes, of a sign-in.
	maxSignIn = 4 << 10
)

// signedIn says who a request comes from.
type signedIn struct {
	Kind      auth.Kind  `json:"kind"`
	ExpiresAt *time.Time `json:"expires_at"` // null: never
}

func signedInAs(v *auth.Viewer) signedIn {
	s := signedIn{Kind: v.Kind}
	if !v.ExpiresAt.IsZero() {
		end := v.ExpiresAt
		s.ExpiresAt = &end
	}
	return s
}

// signIn opens a session for whoever has the admin token, in a header or as
// {"admin_token"}, and sets its cookie.
func (a *api) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := sameOrigin(r); err != nil {
		return err
	}
	secret, err := adminTokenOf(w, r)
	if err != nil {
		return err
	}
	v, err := a.authenticate(r, secret)
	if err != nil {
		return err
	}
	if v.Kind != auth.Admin {
		return auth.Denied()
	}
	opened, secret, err := a.Pusher.SignIn(auth.With(r.Context(), v), clientAddress(r))
	if err != nil {
		return err
	}
	http.SetCookie(w, sessionCookie(r, secret, auth.SessionLife))
	writeJSON(w, "application/json", http.StatusOK, signedInAs(&auth.Viewer{Kind: auth.Admin, ExpiresAt: opened.ExpiresAt}))
	return nil
}

// adminTokenOf finds what somebody signs in with.
func adminTokenOf(w http.ResponseWriter, r *http.Request) (string, error) {
	c, err := credentialOf(r.Header)
	if err != nil || c.given {
		return c.secret, err
	}
	if err := checkMedia(r.Header); err != nil {
		return "", err
	}
	body, err := readBody(w, r, maxSignIn)
	if err != nil {
		return "", err
	}
	if err := checkJSON("body", body, jsoncheck.MaxDepth); err != nil {
		return "", err
	}
	in := seedObject(body, adminTokenName)
	in.need(adminTokenName)
	secret := value(in.text(adminTokenName))
	return secret, in.broken.Err()
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
	if problem.CodeOf(err) == problem.Unauthenticated || err == nil && v != nil && v.SessionID != "" {
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
