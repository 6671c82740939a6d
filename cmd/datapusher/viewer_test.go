package main_test

import (
	"go/ast"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// asSystem are the functions that see every account, and why they may: they carry
// the system's viewer, never a caller's, and nothing that a caller names is looked
// up with it.
var asSystem = map[string]string{
	"internal/auth Authenticator.load":  "finds out who asks",
	"internal/auth lastUsed.flush":      "notes when tokens were used, of everybody",
	"internal/delivery Core.change":     "a worker's: how a destination stands",
	"internal/delivery Core.stands":     "a worker's: how a destination stands",
	"internal/delivery Core.replayOnce": "a worker's: a turn of a replay, which names its account in every condition",
	"internal/httpapi api.isAccount":    "the integer of the account that the token is of: the token may lack the scope to read",
	"internal/seed Import":              "the operator's command",

	"internal/auth Authenticator.loadSession":    "finds out whose session it is",
	"internal/auth Authenticator.loadPortalLink": "finds out whose portal link it is",
	"internal/audit WriteFor":                    "who signs in may not add to the log by itself; the line names who it was",
	"internal/pusher Pusher.CreatePortalLink":    "links are nobody's to read; the operator alone makes them, of an account that it has read",
	"internal/pusher Pusher.RevokePortalLinks":   "the same",
	"internal/auth Authenticator.look":           "looks whether credentials are still valid, of everybody who has a stream open",
	"internal/pusher Pusher.SignIn":              "sessions are nobody's to read; who asks has shown a token or a portal link, which says of which account",
	"internal/pusher Pusher.SignOut":             "the viewer's own session",
	"internal/rekey Check":                       "what keys are checked with belongs to no account",
	"internal/rekey Verify":                      "the same",
	"internal/rekey Forget":                      "the same",
}

// madeViewers are the functions that make a viewer, which the privacy rules believe.
var madeViewers = map[string]string{
	"internal/auth AsSystem": "the system's",
	"internal/auth admin":    "who has the admin token",
	"internal/auth grantOf":  "an account's, of its token",
	"cmd/standalone asAdmin": "the process's own: it makes the demo's account",

	"internal/auth Authenticator.adminSession":   "the operator's, of a session",
	"internal/auth Authenticator.accountSession": "an account's, of a session",
	"internal/auth Authenticator.loadPortalLink": "an account's, of a link: it may open a session",
	"internal/pusher Pusher.mayGive":             "carries scopes alone, to compare them",
	"internal/httpapi api.signIn":                "is only written into the answer",
}

// Who sees every account is known by name.
func TestWhoSeesEveryAccount(t *testing.T) {
	t.Parallel()
	system, made := map[string]bool{}, map[string]bool{}
	for path, r := range rooms(t) {
		if under(path, map[string]string{"bench": "", "internal/testutil": ""}) {
			continue
		}
		look := func(name string, of ast.Node) {
			ast.Inspect(of, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if called(n.Fun, "auth", "AsSystem", path == "internal/auth") {
						system[path+" "+name] = true
					}
				case *ast.CompositeLit:
					if called(n.Type, "auth", "Viewer", path == "internal/auth") {
						made[path+" "+name] = true
					}
				}
				return true
			})
		}
		r.eachFunc(look)
		for name, value := range r.named {
			look(name, value)
		}
	}
	for name := range system {
		require.Contains(t, asSystem, name, "it sees every account, and no reason is given")
	}
	for name := range made {
		require.Contains(t, madeViewers, name, "it makes a viewer, and no reason is given")
	}
	for name := range asSystem {
		require.Contains(t, system, name, "it sees every account no more")
	}
}

// called reports whether an expression names something of a package; inside that
// package without its name.
func called(e ast.Expr, pkg, name string, inside bool) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return inside && e.Name == name
	case *ast.SelectorExpr:
		of, ok := e.X.(*ast.Ident)
		return ok && of.Name == pkg && e.Sel.Name == name
	}
	return false
}

// byNeighbour are the orders of ent that look at an edge's rows, whoever's they are.
var byNeighbour = regexp.MustCompile(`^By[A-Z]\w*(Field|Count)$|^By(Tokens|Destinations|Events|Deliveries|Attempts)$`)

// No list is ordered by what belongs to a row's neighbours: ent applies no rule there.
func TestNothingIsOrderedByItsNeighbours(t *testing.T) {
	t.Parallel()
	for path, r := range rooms(t) {
		for _, file := range r.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && byNeighbour.MatchString(s.Sel.Name) {
					t.Errorf("%s orders with %s", path, s.Sel.Name)
				}
				return true
			})
		}
	}
}
