package httpapi

import (
	"strings"
)

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
