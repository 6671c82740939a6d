// Package requestid names one request, so that what a caller was told and what
// the log says can be put together. A door may take over the id that a caller
// sends along, if it is harmless; otherwise it makes one.
package requestid

import (
	"context"
	"crypto/rand"
)

type key struct{}

// New makes an id of 128 random bits and more.
func New() string { return rand.Text() }

// With gives a context its request's id.
func With(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, key{}, id)
}

// From finds the id of a context; "" outside a request.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}
