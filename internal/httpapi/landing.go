package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
)

//go:embed landing.html
var landingText string

//go:embed landing.css
var landingStyle string

var landingPage = template.Must(template.New("landing").Parse(landingText))

// landing is the first page: where to go from here. It has no script, and one
// style that the policy names by its hash.
func landing(temporalUIURL string) endpoint {
	var page bytes.Buffer
	data := struct { // the style is our own: it goes in as it is
		Style         template.CSS
		TemporalUIURL string
	}{template.CSS(landingStyle), temporalUIURL} //nolint:gosec // G203: a constant of ours
	if err := landingPage.Execute(&page, data); err != nil {
		panic(err) // the page is embedded above
	}
	hash := sha256.Sum256([]byte(landingStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	serve := static("text/html; charset=utf-8", page.Bytes())
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Security-Policy", policy)
		return serve(w, r)
	}
}
