package httpapi

import (
	"net/http"
	"strings"
)

// ClientAddress is the IP address that a request comes from.
func ClientAddress(r *http.Request) string { return clientAddress(r) }

// Listed is how many rows a list has at most.
const Listed = listed

// Served is every path with its methods, as openapi.json should name them.
func Served(o Options) map[string][]string {
	served := map[string][]string{}
	for _, r := range (&api{Options: o}).routes() {
		path := strings.TrimSuffix(r.pattern, "{$}")
		for method := range r.methods {
			served[path] = append(served[path], method)
		}
	}
	return served
}
