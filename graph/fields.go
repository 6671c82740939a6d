package graph

import (
	"context"
	"strings"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

const (
	// replacement stands for bytes that are not UTF-8.
	replacement = "\uFFFD"
	// masked stands for a header's value that the viewer may not see.
	masked = "••••"
)

// one is the result of a look-up: null when there is nothing that the viewer may
// see, whether it is missing, deleted or another account's.
func one[T any](row *T, err error) (*T, error) {
	if err != nil {
		return nil, ent.MaskNotFound(err)
	}
	return row, nil
}

func viewer(ctx context.Context) (*auth.Viewer, error) {
	if v := auth.From(ctx); v != nil {
		return v, nil
	}
	return nil, auth.Denied()
}

func scopes(names []string) []auth.Scope {
	all := make([]auth.Scope, len(names))
	for i, n := range names {
		all[i] = auth.Scope(n)
	}
	return all
}

// text shows bytes that may be anything; null when there are none.
func text(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	s := strings.ToValidUTF8(string(b), replacement)
	return &s
}

// engineURL is where the engine shows the run that a delivery belongs to.
func (r *Resolver) engineURL(d *ent.Delivery) *string {
	if r.tracker == nil {
		return nil
	}
	url := r.tracker.RunURL(d.Run)
	return &url
}

// headers opens a destination's headers. Values are secrets as often as not, so
// that reading alone does not show them.
func (r *Resolver) headers(ctx context.Context, d *ent.Destination) ([]*sender.Header, error) {
	headers, err := vault.OpenHeaders(r.box, d.ID, d.AccountID, d.Headers)
	if err != nil {
		return nil, err
	}
	show := auth.From(ctx).Can(auth.Manage)
	shown := make([]*sender.Header, len(headers))
	for i, h := range headers {
		if !show {
			h.Value = masked
		}
		shown[i] = &h
	}
	return shown, nil
}
