package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
)

// openAPI describes the doors for machines (OpenAPI 3.1). It is written by hand;
// a test holds it against the routes.
//
//go:embed openapi.json
var openAPI []byte

// contract is the description with the URL under which callers reach the doors;
// without one they are beside the description.
func contract(publicURL string) []byte {
	if publicURL == "" {
		return openAPI
	}
	servers, err := json.Marshal([]map[string]string{{"url": publicURL}})
	if err != nil {
		panic(err) // strings
	}
	return bytes.Replace(openAPI, []byte(`"servers": [{"url": "/"}]`), append([]byte(`"servers": `), servers...), 1)
}
