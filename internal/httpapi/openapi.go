package httpapi

import _ "embed"

// openAPI describes the doors for machines (OpenAPI 3.1). It is written by hand;
// a test holds it against the routes.
//
//go:embed openapi.json
var openAPI []byte
