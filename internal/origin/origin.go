// Package origin says where a request came from: the IP address of the one who
// asks, as the outermost door has found it out.
package origin

import "context"

type key struct{}

// With gives a context the address that its request came from; "" is unknown.
func With(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, key{}, address)
}

// From finds the address of a context; "" outside a request.
func From(ctx context.Context) string {
	address, _ := ctx.Value(key{}).(string)
	return address
}
