package pusher

import (
	"context"
	"errors"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/session"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/origin"
	"datapusher/internal/problem"
)

// SignIn opens a session for whoever asks, whose secret goes into a cookie and is
// kept nowhere: of the operator, with the admin token; of an account, with one of
// its tokens or with a portal link, which opens nothing more. A session opens no
// other. The address, if it is known, is the caller's.
func (p *Pusher) SignIn(ctx context.Context, address string) (*ent.Session, string, error) {
	v := auth.From(ctx)
	switch {
	case v == nil:
		return nil, "", auth.Denied()
	case v.SessionID != "" || v.Kind == auth.System:
		return nil, "", problem.New(problem.Forbidden, "a session is opened with a token or a portal link")
	case v.PortalLinkID == "" && !v.Can(auth.Read):
		return nil, "", problem.New(problem.Forbidden, "a session is opened with a token that has the scope %s", auth.Read)
	case p.o.Auth == nil:
		return nil, "", errors.New("nobody keeps sessions here")
	}
	system := auth.AsSystem(ctx) // sessions are nobody's to read
	now, secret := p.now(), auth.NewSessionSecret()
	var made *ent.Session
	err := p.tx(ctx, func(tx *ent.Client) (err error) {
		// Who signs in sweeps: so there are never more than were opened in half a day.
		if _, err := tx.Session.Delete().Where(session.ExpiresAtLTE(now)).Exec(system); err != nil {
			return err
		}
		c := tx.Session.Create().SetID(id.New(id.Session, now)).SetCreatedAt(now).SetExpiresAt(now.Add(auth.SessionLife)).
			SetHash(auth.HashOf(secret)).SetNillableAddress(known(address))
		switch {
		case v.Kind == auth.Admin:
			c.SetAdminHash(p.o.Auth.AdminHash())
		case v.PortalLinkID != "":
			if err := p.enter(system, tx, v, c, now); err != nil {
				return err
			}
		default:
			c.SetAccountID(v.AccountID).SetTokenID(v.TokenID)
		}
		if made, err = c.Save(system); err != nil {
			return err
		}
		return p.noteSession(ctx, tx, v.AccountID, made.ID, action.KindSignIn, address)
	})
	if err != nil {
		return nil, "", err
	}
	return made.Unwrap(), secret, nil
}

// SignOut ends the session of the viewer: at once in this process, within a
// second in others.
func (p *Pusher) SignOut(ctx context.Context, address string) error {
	v := auth.From(ctx)
	switch {
	case v == nil:
		return auth.Denied()
	case v.SessionID == "":
		return problem.New(problem.NotFound, "there is no session: the request comes with a token")
	}
	system := auth.AsSystem(ctx) // sessions are nobody's to read
	err := p.tx(ctx, func(tx *ent.Client) error {
		n, err := tx.Session.Update().Where(session.ID(v.SessionID), session.RevokedAtIsNil()).SetRevokedAt(p.now()).Save(system)
		if err != nil || n == 0 {
			return err
		}
		return p.noteSession(ctx, tx, v.AccountID, v.SessionID, action.KindSignOut, address)
	})
	if err != nil {
		return err
	}
	if p.o.Auth != nil {
		p.o.Auth.ForgetSession(v.SessionID)
	}
	return nil
}

// noteSession records that somebody came or went: an operator, which belongs to no
// account, or an account's. It is the system that writes it: whoever may only read
// signs in, too.
func (p *Pusher) noteSession(ctx context.Context, tx *ent.Client, accountID, sessionID string, kind action.Kind, address string) error {
	return audit.WriteFor(origin.With(ctx, address), tx, p.now(), audit.Entry{AccountID: accountID, SubjectID: sessionID, Kind: kind})
}

func known(address string) *string {
	if address == "" {
		return nil
	}
	return &address
}
