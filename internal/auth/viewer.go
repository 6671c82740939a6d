// Package auth says who is asking: it turns credentials into a [Viewer] and
// carries the viewer in the context. Whoever carries no viewer is nobody and
// sees nothing: the privacy rules of ent fail closed.
package auth

import (
	"context"
	"slices"
	"time"
)

// Scope is one thing that an account's token may be used for.
type Scope string

// The scopes. A token that may manage may read, too.
const (
	Ingest Scope = "INGEST" // push events
	Read   Scope = "READ"   // query everything of the account
	Manage Scope = "MANAGE" // change everything of the account
)

// Scopes lists every scope.
var Scopes = []Scope{Ingest, Read, Manage}

// Kind tells viewers apart.
type Kind string

// The kinds of viewer.
const (
	Admin   Kind = "ADMIN"   // the operator: every account
	Account Kind = "ACCOUNT" // one account: its token, or its session
	System  Kind = "SYSTEM"  // our own workers; never a caller
)

// Viewer is who asks.
type Viewer struct {
	Kind         Kind
	AccountID    string // of an Account viewer
	TokenID      string // of an Account viewer; of a session, the one that it was opened with
	PortalLinkID string // of an Account viewer who shows a portal link, or has entered by one: there is no token
	SessionID    string // of a viewer who has signed in with a browser
	Scopes       []Scope
	ExpiresAt    time.Time // of what it shows; zero: never
}

// Everything reports whether the viewer may see all accounts.
func (v *Viewer) Everything() bool {
	return v != nil && (v.Kind == Admin || v.Kind == System)
}

// Can reports whether the viewer has that scope. Admin and system have all but
// Ingest: the admin token is no credential for events.
func (v *Viewer) Can(s Scope) bool {
	switch {
	case v == nil:
		return false
	case v.Everything():
		return s != Ingest
	case s == Read && slices.Contains(v.Scopes, Manage):
		return true
	default:
		return slices.Contains(v.Scopes, s)
	}
}

// Owns reports whether the viewer may see what belongs to that account.
func (v *Viewer) Owns(accountID string) bool {
	return v.Everything() || v != nil && v.Kind == Account && v.AccountID == accountID
}

type key struct{}

// With gives a context its viewer.
func With(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, key{}, v)
}

// AsSystem gives a context the viewer of our own workers.
func AsSystem(ctx context.Context) context.Context {
	return With(ctx, &Viewer{Kind: System})
}

// From finds the viewer of a context; nil is nobody.
func From(ctx context.Context) *Viewer {
	v, _ := ctx.Value(key{}).(*Viewer)
	return v
}
