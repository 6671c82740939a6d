package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"time"

	"datapusher/ent"
	"datapusher/ent/keyed"
	"datapusher/ent/token"
	"datapusher/internal/problem"
)

// Options of an [Authenticator].
type Options struct {
	// AdminToken is the operator's credential; empty: nobody is admin.
	AdminToken string
	// TTL is how long another process may still take a token that was revoked
	// here; default 800 ms, so that a second is kept with the time of a request in
	// it. In this process [Authenticator.Forget] works at once.
	TTL time.Duration
	// Flush is how often last uses are written; default 10 s.
	Flush time.Duration
	// WatchEvery is how often the viewers of [Authenticator.Watch] are looked at;
	// default 500 ms.
	WatchEvery time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Logger hears of last uses that could not be written.
	Logger *slog.Logger
}

// Authenticator turns credentials into viewers. It is used by any number of
// goroutines; Close ends it.
type Authenticator struct {
	client   *ent.Client
	admin    *[sha256.Size]byte
	ttl      time.Duration
	now      func() time.Time
	tokens   cache
	sessions cache
	lanes    lanes
	used     lastUsed
	watches  watches
}

// NewAuthenticator starts an authenticator on a database.
func NewAuthenticator(client *ent.Client, o Options) *Authenticator {
	a := &Authenticator{client: client, ttl: o.TTL, now: o.Now, lanes: newLanes()}
	if o.AdminToken != "" {
		sum := sha256.Sum256([]byte(o.AdminToken))
		a.admin = &sum
	}
	if a.ttl <= 0 {
		a.ttl = 800 * time.Millisecond
	}
	if a.now == nil {
		a.now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Flush <= 0 {
		o.Flush = 10 * time.Second
	}
	if o.WatchEvery <= 0 {
		o.WatchEvery = 500 * time.Millisecond
	}
	a.used.start(client, o.Logger, o.Flush)
	a.watches.start(a.look, o.WatchEvery)
	return a
}

// Close writes the last uses that are still waiting. Nobody is watched any more.
func (a *Authenticator) Close() {
	a.watches.stop()
	a.used.stop()
}

// Flush writes the last uses now.
func (a *Authenticator) Flush(ctx context.Context) error { return a.used.flush(ctx) }

// Denied is the answer to every credential that is missing or not valid. It does
// not tell why.
func Denied() error {
	return problem.New(problem.Unauthenticated,
		"a valid credential is needed: send Authorization: Bearer <token>")
}

// Authenticate gives the viewer that a secret stands for. Every secret that is
// not valid (none, unknown, wrong, expired, revoked, of a deleted account) gets
// [Denied], after the same work. (From suspects what cannot be a secret by its form
// is not looked up.) The viewer is shared: it must not be changed.
func (a *Authenticator) Authenticate(ctx context.Context, secret string) (*Viewer, error) {
	sum := sha256.Sum256([]byte(secret))
	if a.admin != nil && subtle.ConstantTimeCompare(sum[:], a.admin[:]) == 1 {
		return admin, nil
	}
	if isSuspect(ctx) && !wellFormed(secret) {
		return nil, Denied()
	}
	now := a.now()
	return a.find(ctx, &a.tokens, sum, now, func(ctx context.Context) (grant, error) { return a.load(ctx, secret, sum, now) })
}

// find gives the viewer of a secret by its hash, from a cache or, in its lane, from
// the database.
func (a *Authenticator) find(
	ctx context.Context, in *cache, sum [sha256.Size]byte, now time.Time, load func(context.Context) (grant, error),
) (*Viewer, error) {
	g, err := in.get(ctx, sum, now, a.ttl, func(ctx context.Context, known bool) (grant, error) {
		leave, err := a.lanes.enter(ctx, known)
		if err != nil {
			return grant{}, err
		}
		defer leave()
		return load(ctx)
	})
	return g.judge(err, now)
}

// Forget makes changes to an account's tokens and sessions work at once in this
// process, for those who are watched as well.
func (a *Authenticator) Forget(accountID string) {
	its := func(v *Viewer) bool { return v.AccountID == accountID }
	a.tokens.forget(its)
	a.sessions.forget(its)
	a.watches.poke()
}

// ForgetAll is Forget for every account and every session.
func (a *Authenticator) ForgetAll() {
	all := func(*Viewer) bool { return true }
	a.tokens.forget(all)
	a.sessions.forget(all)
	a.watches.poke()
}

var admin = &Viewer{Kind: Admin, Scopes: []Scope{Read, Manage}}

// nobody's hash is compared with where no token has the prefix.
var nobody = make([]byte, sha256.Size)

// load looks a secret up. A miss costs the same query and comparison as a hit.
func (a *Authenticator) load(ctx context.Context, secret string, sum [sha256.Size]byte, now time.Time) (grant, error) {
	prefix := PrefixOf(secret)
	if !wellFormed(secret) {
		prefix = "-" // no token has it
	}
	rows, err := a.client.Token.Query().
		Where(token.Prefix(prefix), keyed.OfLivingAccount).
		All(AsSystem(ctx))
	if err != nil {
		return grant{}, err
	}
	var found *ent.Token
	hashes := [][]byte{nobody}
	for _, t := range rows {
		hashes = append(hashes, t.Hash)
	}
	for i, h := range hashes {
		if subtle.ConstantTimeCompare(sum[:], h) == 1 && i > 0 {
			found = rows[i-1]
		}
	}
	g := grantOf(found)
	if g.valid(now) {
		a.used.note(found, now)
	}
	return g, nil
}

// grant is what a secret stands for.
type grant struct {
	viewer *Viewer // nil: nobody
}

func grantOf(t *ent.Token) grant {
	if t == nil || t.RevokedAt != nil {
		return grant{}
	}
	g := grant{viewer: &Viewer{Kind: Account, AccountID: t.AccountID, TokenID: t.ID}}
	for _, s := range t.Scopes {
		g.viewer.Scopes = append(g.viewer.Scopes, Scope(s))
	}
	if t.ExpiresAt != nil {
		g.viewer.ExpiresAt = t.ExpiresAt.UTC()
	}
	return g
}

func (g grant) valid(now time.Time) bool { return g.viewer != nil && !expired(g.viewer.ExpiresAt, now) }

// judge is the answer to whoever has shown what the grant was looked up by.
func (g grant) judge(err error, now time.Time) (*Viewer, error) {
	switch {
	case err != nil:
		return nil, problem.Wrap(err, problem.Unavailable, "the credential cannot be checked now: try again")
	case !g.valid(now):
		return nil, Denied()
	}
	return g.viewer, nil
}

// expired says whether an end has come; zero never does.
func expired(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }
