package graph

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"datapusher/ent"
	"datapusher/graph/model"
	"datapusher/internal/auth"
	"datapusher/internal/pusher"
)

// portalLink shows a link that has been made. It leads to where the API is reached
// from outside or, where nobody has said where that is, to where it was asked for.
func (r *Resolver) portalLink(ctx context.Context, link *ent.PortalLink, secret string, err error) (*model.CreatePortalLinkPayload, error) {
	if err != nil {
		return nil, err
	}
	base := r.publicURL
	if base == "" {
		base = baseOf(ctx)
	}
	return &model.CreatePortalLinkPayload{ID: link.ID, URL: base + pusher.PortalPath + "#" + secret, ExpiresAt: link.ExpiresAt}, nil
}

func revokedLinks(revoked *pusher.RevokedPortalLinks, err error) (*model.RevokePortalLinksPayload, error) {
	if err != nil {
		return nil, err
	}
	return &model.RevokePortalLinksPayload{Links: revoked.Links, Sessions: revoked.Sessions}, nil
}

type baseKey struct{}

// withBase remembers where a request has found the API: as the page says that sent
// it, if that is one of the API's own, and otherwise by its Host.
func withBase(r *http.Request) *http.Request {
	base := "http://" + r.Host
	if r.TLS != nil {
		base = "https://" + r.Host
	}
	if page, err := url.Parse(r.Header.Get("Origin")); err == nil && page.Host == r.Host && (page.Scheme == "http" || page.Scheme == "https") {
		base = page.Scheme + "://" + page.Host // a proxy may have ended TLS
	}
	return r.WithContext(context.WithValue(r.Context(), baseKey{}, base))
}

func baseOf(ctx context.Context) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base
}

// endOf is when a credential ends; nil: never.
func endOf(v *auth.Viewer) *time.Time {
	if v.ExpiresAt.IsZero() {
		return nil
	}
	return &v.ExpiresAt
}
