package auth

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/keyed"
	"datapusher/ent/session"
	"datapusher/ent/token"
)

// Why a watched context ends before the one that it comes from.
var (
	// ErrRevoked: the token was revoked or has expired, its account was deleted, or
	// the session has ended.
	ErrRevoked = errors.New("the credential is no longer valid")
	// ErrUnchecked: the database has not answered for some seconds, so that nobody
	// knows whether the credential is still valid.
	ErrUnchecked = errors.New("the credential cannot be checked")
)

const (
	// lookTime bounds one look at everybody who is watched.
	lookTime = 2 * time.Second
	// lookBatch is how many one statement asks for.
	lookBatch = 500
)

// Watch gives a stream of that viewer, such as a WebSocket, a context that ends
// with its credential, with the cause [ErrRevoked]: within [Options.WatchEvery]
// of the change in every process, and at once in the one that made it. stop ends
// the watch, and must be called when the stream is over; it may be called again.
//
// All who are watched share their queries. The admin token is not in the
// database and ends with the process, so it costs none.
func (a *Authenticator) Watch(ctx context.Context, v *Viewer) (watched context.Context, stop func()) {
	watched, end := context.WithCancelCause(ctx)
	if v == nil || v.TokenID == "" && v.SessionID == "" {
		return watched, func() { end(nil) }
	}
	w := &watch{viewer: v, end: end, seen: a.now()}
	a.watches.add(w)
	// Whatever ends the stream ends the watch.
	context.AfterFunc(watched, func() { a.watches.remove(w) })
	return watched, func() {
		a.watches.remove(w)
		end(nil)
	}
}

// Watched is how many streams are watched now.
func (a *Authenticator) Watched() int { return len(a.watches.list()) }

// watch is one stream.
type watch struct {
	viewer *Viewer
	end    context.CancelCauseFunc
	seen   time.Time // when the credential was last known to be valid; for the loop alone
}

// watches are the streams that are open in this process.
type watches struct {
	mu    sync.Mutex
	open  map[*watch]struct{}
	now   chan struct{} // something has changed: do not wait
	close context.CancelFunc
	done  chan struct{}
}

func (s *watches) start(look func(context.Context, []*watch), every time.Duration) {
	s.open, s.now, s.done = map[*watch]struct{}{}, make(chan struct{}, 1), make(chan struct{})
	var ctx context.Context
	ctx, s.close = context.WithCancel(context.Background())
	go func() {
		defer close(s.done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			case <-s.now:
			}
			if open := s.list(); len(open) > 0 {
				look(ctx, open)
			}
		}
	}()
}

func (s *watches) stop() {
	s.close()
	<-s.done
}

func (s *watches) add(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[w] = struct{}{}
}

func (s *watches) remove(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, w)
}

func (s *watches) list() []*watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.open))
}

// poke has the next look taken now. A look that is under way may have read what
// was there before: it is followed by another.
func (s *watches) poke() {
	select {
	case s.now <- struct{}{}:
	default:
	}
}

// look ends the streams of those whose credentials have ended.
func (a *Authenticator) look(ctx context.Context, open []*watch) {
	ctx, cancel := context.WithTimeout(AsSystem(ctx), lookTime)
	defer cancel()
	began := a.now()
	ends, err := a.ends(ctx, open)
	now := a.now()
	for _, w := range open {
		if err != nil { // what is known without asking holds all the same
			if expired(w.viewer.ExpiresAt, now) {
				w.end(ErrRevoked)
			} else if now.Sub(w.seen) >= patience {
				w.end(ErrUnchecked)
			}
			continue
		}
		if holds(w.viewer, ends, now) {
			w.seen = began
		} else {
			w.end(ErrRevoked)
		}
	}
}

// holds reports whether what a viewer has shown is still valid: its token, its
// session, and both where the session was opened with a token.
func holds(v *Viewer, ends map[string]time.Time, now time.Time) bool {
	for _, of := range []string{v.TokenID, v.SessionID} {
		if end, valid := ends[of]; of != "" && (!valid || expired(end, now)) {
			return false
		}
	}
	return true
}

// ends reads when the credentials of those who are watched expire (zero: never).
// What is missing is no longer valid.
func (a *Authenticator) ends(ctx context.Context, open []*watch) (map[string]time.Time, error) {
	ends := map[string]time.Time{}
	tokens, sessions := map[string]bool{}, map[string]bool{}
	for _, w := range open {
		if w.viewer.TokenID != "" {
			tokens[w.viewer.TokenID] = true
		}
		if w.viewer.SessionID != "" {
			sessions[w.viewer.SessionID] = true
		}
	}
	for ids := range slices.Chunk(slices.Collect(maps.Keys(tokens)), lookBatch) {
		if err := a.tokenEnds(ctx, ids, ends); err != nil {
			return nil, err
		}
	}
	for ids := range slices.Chunk(slices.Collect(maps.Keys(sessions)), lookBatch) {
		if err := a.sessionEnds(ctx, ids, ends); err != nil {
			return nil, err
		}
	}
	return ends, nil
}

func (a *Authenticator) tokenEnds(ctx context.Context, ids []string, ends map[string]time.Time) error {
	rows, err := a.client.Token.Query().
		Where(token.IDIn(ids...), token.RevokedAtIsNil(), keyed.OfLivingAccount).
		Select(token.FieldID, token.FieldExpiresAt).All(ctx)
	for _, t := range rows {
		ends[t.ID] = time.Time{}
		if t.ExpiresAt != nil {
			ends[t.ID] = *t.ExpiresAt
		}
	}
	return err
}

func (a *Authenticator) sessionEnds(ctx context.Context, ids []string, ends map[string]time.Time) error {
	rows, err := a.client.Session.Query().
		Where(session.IDIn(ids...), session.RevokedAtIsNil(),
			session.Or(session.AdminHash(a.AdminHash()), session.AccountIDNotNil())).
		Select(session.FieldID, session.FieldAccountID, session.FieldExpiresAt).All(ctx)
	if err != nil {
		return err
	}
	living, err := a.livingOf(ctx, rows)
	for _, s := range rows {
		if s.AccountID == "" || living[s.AccountID] {
			ends[s.ID] = s.ExpiresAt
		}
	}
	return err
}

// livingOf are the accounts of sessions that are not deleted.
func (a *Authenticator) livingOf(ctx context.Context, rows []*ent.Session) (map[string]bool, error) {
	living := map[string]bool{}
	for _, s := range rows {
		if s.AccountID != "" {
			living[s.AccountID] = false
		}
	}
	if len(living) == 0 {
		return living, nil
	}
	ids, err := a.client.Account.Query().Where(account.IDIn(slices.Collect(maps.Keys(living))...)).IDs(ctx)
	for _, id := range ids {
		living[id] = true
	}
	return living, err
}
