// Package dashboard serves what people open in a browser. The pages are built
// in web/, committed here as generated code and embedded in the binary, so that
// Go alone builds everything. They are static files: they hold no data, need no
// credential and reach the data through the API like any other client.
package dashboard

import (
	"embed"
	"html"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:playground
var playgroundFiles embed.FS

// PlaygroundPath is where the playground's files expect to be.
const PlaygroundPath = "/playground/"

// endpointMark is where the page names the endpoint of the API.
const endpointMark = `name="graphql-endpoint" content="/graphql"`

// playgroundPolicy allows what the page needs from its own origin alone.
// The editor (Monaco) writes style elements and attributes as it draws, which
// takes 'unsafe-inline' for styles, and its style sheets hold small pictures as
// data: addresses. Scripts are neither inline nor evaluated.
const playgroundPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Playground serves GraphiQL for the API at endpoint, a path on the same origin
// such as "/graphql". It is to be mounted, without stripping the path, at both
// "/playground", which is the page, and [PlaygroundPath].
func Playground(endpoint string) http.Handler {
	files, err := fs.Sub(playgroundFiles, "playground")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return newBundle(files, PlaygroundPath, playgroundPolicy, func(page string) string {
		return strings.Replace(page, endpointMark,
			`name="graphql-endpoint" content="`+html.EscapeString(endpoint)+`"`, 1)
	})
}
