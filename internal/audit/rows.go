package audit

import (
	"net/url"
	"strings"
	"time"

	"datapusher/ent"
	"datapusher/internal/breaker"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// Account is what the log tells of an account.
func Account(a *ent.Account) Facts {
	f := Facts{"name": a.Name, "email": a.Email}
	f.address("website", a.Website)
	f.list("allowCIDRs", a.AllowCidrs)
	return f
}

// Token is what the log tells of a token.
func Token(t *ent.Token) Facts {
	f := Facts{"name": t.Name, "secretToken": Secret(string(t.Hash))}
	f.list("scopes", t.Scopes)
	f.time("expiresAt", t.ExpiresAt)
	f.time("revokedAt", t.RevokedAt)
	return f
}

// PortalLink is what the log tells of a portal link.
func PortalLink(l *ent.PortalLink) Facts {
	f := Facts{"secret": Secret(string(l.Hash)), "sessionExpiresIn": (time.Duration(l.SessionS) * time.Second).String()}
	f.list("scopes", l.Scopes)
	f.time("expiresAt", &l.ExpiresAt)
	return f
}

// Destination is what the log tells of how a destination is set up: of its headers
// the names. [Standing] has how it stands.
func Destination(box vault.Box, d *ent.Destination) Facts {
	f := Facts{
		"httpMethod": string(d.HTTPMethod), "signingAlgorithm": string(d.SigningAlgorithm),
		"signingSecret": Secret(string(d.SigningSecrets)), // sealed anew with each change
	}
	f.text("name", d.Name)
	f.address("url", d.URL)
	f.text("retrySchedule", d.RetrySchedule)
	if d.TimeoutMs != nil {
		f["timeout"] = (time.Duration(*d.TimeoutMs) * time.Millisecond).String()
	}
	if d.GiveUpAfterS != nil {
		f["giveUpAfter"] = (time.Duration(*d.GiveUpAfterS) * time.Second).String()
	}
	headers, err := vault.OpenHeaders(box, d.ID, d.AccountID, d.Headers)
	if err != nil { // what cannot be opened can still be replaced, and deleted
		f["headers"] = Secret(string(d.Headers))
		return f
	}
	if h := Headers(headers); len(h) > 0 {
		f["headers"] = h
	}
	return f
}

// Headers are the names of headers; their values are secrets.
func Headers(headers []sender.Header) Facts {
	f := Facts{}
	for _, h := range headers {
		f[h.Name] = Secret(h.Value)
	}
	return f
}

// Standing is what the log tells of how a destination stands.
func Standing(s breaker.Standing) Facts {
	f := Facts{"state": string(s.State)}
	f.text("reason", s.Reason)
	if !s.PausedUntil.IsZero() {
		f.time("pausedUntil", &s.PausedUntil)
	}
	if s.Rate > 0 {
		f["drainRate"] = s.Rate
	}
	return f
}

// Delivery is what the log tells of a delivery.
func Delivery(d *ent.Delivery) Facts {
	f := Facts{"status": string(d.Status)}
	f.text("reason", d.Reason)
	f.time("nextAttemptAt", d.NextAttemptAt)
	return f
}

// Replay is what the log tells of a bulk replay.
func Replay(r *ent.Replay) Facts {
	f := Facts{"status": string(r.Status), "rate": r.Rate, "matched": r.Matched}
	f.time("from", &r.FromTime)
	f.time("to", &r.ToTime)
	f.text("destinationID", r.DestinationID)
	f.text("eventType", r.EventType)
	f.text("reason", r.Reason)
	f.list("statuses", r.Statuses)
	f.list("destinationIDs", r.TargetIds)
	return f
}

func (f Facts) text(name, s string) {
	if s != "" {
		f[name] = s
	}
}

func (f Facts) list(name string, l []string) {
	if len(l) > 0 {
		f[name] = l
	}
}

func (f Facts) time(name string, t *time.Time) {
	if t != nil {
		f[name] = t.UTC().Format(time.RFC3339Nano)
	}
}

func (f Facts) address(name, raw string) {
	if raw != "" {
		f[name] = masked{whole: raw, shown: maskURL(raw)}
	}
}

// maskURL leaves out of a URL who it signs in as, and every value of its query:
// tokens are put there. One that cannot be read is not told at all.
func maskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		return sender.Masked
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.RawQuery == "" {
		return shown.String()
	}
	pieces := strings.FieldsFunc(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' })
	for i, p := range pieces {
		name, _, named := strings.Cut(p, "=")
		pieces[i] = sender.Masked // a name alone may be the token
		if named {
			pieces[i] = name + "=" + sender.Masked
		}
	}
	return shown.String() + "?" + strings.Join(pieces, "&")
}
