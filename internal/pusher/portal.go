package pusher

import (
	"context"
	"slices"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/portallink"
	"datapusher/ent/session"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/id"
	"datapusher/internal/problem"
)

// How long portal links, and the sessions that they open, may last.
const (
	minLinkLife     = time.Minute
	maxLinkLife     = 24 * time.Hour
	defaultLinkLife = 15 * time.Minute

	minPortalLife     = 5 * time.Minute
	maxPortalLife     = auth.SessionLife
	defaultPortalLife = 8 * time.Hour
)

// PortalPath is the page that takes what a portal link has behind its "#".
const PortalPath = "/portal"

// CreatePortalLinkInput names an account, and what whoever opens the link may do
// in it.
type CreatePortalLinkInput struct {
	AccountID        string
	Scopes           []auth.Scope   // none: READ
	ExpiresIn        *time.Duration // nil: 15 minutes
	SessionExpiresIn *time.Duration // nil: 8 hours
	Reason           *string
}

func (in CreatePortalLinkInput) fields() (f problem.Fields) {
	for _, s := range in.Scopes {
		if s != auth.Read && s != auth.Manage {
			f.Add("scopes", "must be of %v", []auth.Scope{auth.Read, auth.Manage})
			break
		}
	}
	if d := in.ExpiresIn; d != nil && (*d < minLinkLife || *d > maxLinkLife) {
		f.Add("expiresIn", "must be between 1m and 24h")
	}
	if d := in.SessionExpiresIn; d != nil && (*d < minPortalLife || *d > maxPortalLife) {
		f.Add("sessionExpiresIn", "must be between 5m and 12h")
	}
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in CreatePortalLinkInput) Validate() error { return in.fields().Err() }

// CreatePortalLink makes a link that opens one session of an account: the row, and
// the secret that is shown here and never again. Admins alone may do it: to an
// account it would be a token without a name.
func (p *Pusher) CreatePortalLink(ctx context.Context, in CreatePortalLinkInput) (*ent.PortalLink, string, error) {
	if err := p.operator(ctx, in, "portal links are made"); err != nil {
		return nil, "", err
	}
	scopes := []string{string(auth.Read)}
	if slices.Contains(in.Scopes, auth.Manage) {
		scopes = append(scopes, string(auth.Manage))
	}
	system := auth.AsSystem(ctx) // links are nobody's to read
	now, secret := p.now(), auth.NewPortalLinkSecret()
	var made *ent.PortalLink
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.AccountID)
		if err != nil {
			return err
		}
		// Who makes one sweeps, but for those whose sessions may still be open: they can be revoked by the link.
		if _, err := tx.PortalLink.Delete().Where(portallink.ExpiresAtLTE(now.Add(-maxPortalLife))).Exec(system); err != nil {
			return err
		}
		made, err = tx.PortalLink.Create().SetID(id.New(id.PortalLink, now)).SetCreatedAt(now).SetAccountID(a.ID).
			SetHash(auth.HashOf(secret)).SetScopes(scopes).SetSessionS(int(or(in.SessionExpiresIn, defaultPortalLife).Seconds())).
			SetExpiresAt(now.Add(or(in.ExpiresIn, defaultLinkLife))).Save(system)
		if err != nil {
			return err
		}
		return p.note(ctx, tx, a.ID, made.ID, action.KindCreate, in.Reason, audit.Made(audit.PortalLink(made)))
	})
	if err != nil {
		return nil, "", err
	}
	return made.Unwrap(), secret, nil
}

// enter uses a portal link up and prepares the session that it opens. Of several
// who open it at once, one enters.
func (p *Pusher) enter(system context.Context, tx *ent.Client, v *auth.Viewer, c *ent.SessionCreate, now time.Time) error {
	n, err := tx.PortalLink.Update().
		Where(portallink.ID(v.PortalLinkID), portallink.UsedAtIsNil(), portallink.RevokedAtIsNil(), portallink.ExpiresAtGT(now)).
		SetUsedAt(now).Save(system)
	if err != nil {
		return err
	}
	if n == 0 {
		return auth.Denied()
	}
	link, err := tx.PortalLink.Get(system, v.PortalLinkID)
	if err != nil {
		return err
	}
	c.SetAccountID(link.AccountID).SetPortalLinkID(link.ID).SetScopes(link.Scopes).
		SetExpiresAt(now.Add(time.Duration(link.SessionS) * time.Second))
	return nil
}

// RevokePortalLinksInput names an account, and maybe one of its links.
type RevokePortalLinksInput struct {
	AccountID string
	LinkID    *string // nil: all
	Reason    *string
}

func (in RevokePortalLinksInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in RevokePortalLinksInput) Validate() error { return in.fields().Err() }

// RevokedPortalLinks counts what was ended.
type RevokedPortalLinks struct {
	Links    int // that could still be opened
	Sessions int // that were opened with links
}

// RevokePortalLinks ends links of an account and the sessions that were opened with
// them: at once in this process, within a second in others.
func (p *Pusher) RevokePortalLinks(ctx context.Context, in RevokePortalLinksInput) (*RevokedPortalLinks, error) {
	if err := p.operator(ctx, in, "portal links are revoked"); err != nil {
		return nil, err
	}
	system := auth.AsSystem(ctx) // links and sessions are nobody's to read
	now := p.now()
	var r RevokedPortalLinks
	err := p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.AccountID)
		if err != nil {
			return err
		}
		links := tx.PortalLink.Update().Where(portallink.AccountID(a.ID), portallink.RevokedAtIsNil(), portallink.UsedAtIsNil(), portallink.ExpiresAtGT(now))
		sessions := tx.Session.Update().Where(session.AccountID(a.ID), session.PortalLinkIDNotNil(), session.RevokedAtIsNil(), session.ExpiresAtGT(now))
		subject := a.ID
		if in.LinkID != nil {
			if subject, err = linkOf(system, tx, a.ID, *in.LinkID); err != nil {
				return err
			}
			links.Where(portallink.ID(subject))
			sessions.Where(session.PortalLinkID(subject))
		}
		if r.Links, err = links.SetRevokedAt(now).Save(system); err != nil {
			return err
		}
		if r.Sessions, err = sessions.SetRevokedAt(now).Save(system); err != nil {
			return err
		}
		return p.note(ctx, tx, a.ID, subject, action.KindRevoke, in.Reason,
			audit.Made(audit.Facts{"portalLinks": r.Links, "portalSessions": r.Sessions}))
	})
	if err != nil {
		return nil, err
	}
	p.credentialsChanged(in.AccountID)
	return &r, nil
}

// linkOf is the id of an account's link, if it has such a one.
func linkOf(system context.Context, tx *ent.Client, accountID, linkID string) (string, error) {
	if !id.Is(id.PortalLink, linkID) {
		return "", noSuch("portal link")
	}
	found, err := tx.PortalLink.Query().Where(portallink.ID(linkID), portallink.AccountID(accountID)).OnlyID(system)
	return found, missing(err, "portal link")
}

// operator lets administrators in alone, before anything is looked at.
func (p *Pusher) operator(ctx context.Context, in valid, what string) error {
	if v := auth.From(ctx); v != nil && !v.Everything() {
		return problem.New(problem.Forbidden, "%s with the admin token alone: ask the operator", what)
	}
	return begin(ctx, in)
}

// or is a duration, or what it is when it is not given.
func or(d *time.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return *d
}
