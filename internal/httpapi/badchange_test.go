package httpapi_test

import (
	"strings"

	"datapusher/internal/problem"
)

// badChanges are those of accounts and destinations in the seed's shapes.
func badChanges() []bad {
	admin, own := []string{bearer("ADMIN")}, []string{bearer("SECRET")}
	dest := func(member string) string { return `{"destination_id":"DEST",` + member + `}` }
	fresh := func(member string) string { return `{"account_id":"JANE","url":"https://example.com",` + member + `}` }
	return []bad{
		{"no credential", "POST /account/", `{"account_name":"A","email":"a@example.com"}`, nil, problem.Unauthenticated, nil},
		{"an account's token", "POST /account/", `{"account_name":"A","email":"a@example.com"}`, own, problem.Forbidden, nil},
		{"an account's token in the body", "POST /account/", `{"account_name":"A","email":"a@example.com","secret_token":"SECRET"}`, nil, problem.Forbidden, nil},
		{"no fields", "POST /account/", `{}`, admin, problem.Invalid, []string{"account_name", "email"}},
		{"nulls", "POST /account/", `{"account_name":null,"email":null}`, admin, problem.Invalid, []string{"account_name", "email"}},
		{"wrong fields", "POST /account/", `{"account_name":"\u0000","email":"x","website":"y"}`, admin, problem.Invalid, []string{"account_name", "email", "website"}},
		{"no strings", "POST /account/", `{"account_name":1,"email":[],"website":{}}`, admin, problem.Invalid, []string{"account_name", "email", "website"}},
		{"no object", "POST /account/", `["account_name"]`, admin, problem.Invalid, []string{"body"}},
		{"a taken e-mail", "POST /account/", `{"account_name":"A","email":"Jane@Example.com"}`, admin, problem.Conflict, nil},
		{"too large", "POST /account/", `{"account_name":"` + strings.Repeat("x", 256<<10) + `"}`, admin, problem.TooLarge, nil},

		{"no credential", "PATCH /account/", `{"account_id":"JANE","account_name":"A"}`, nil, problem.Unauthenticated, nil},
		{"a wrong token", "PATCH /account/", `{"account_id":"JANE","secret_token":"x","account_name":"A"}`, nil, problem.Unauthenticated, nil},
		{"the admin token in the body", "PATCH /account/", `{"account_id":"JANE","secret_token":"ADMIN","account_name":"A"}`, nil, problem.Unauthenticated, nil},
		{"a wrong token beside the header", "PATCH /account/", `{"account_id":"JANE","secret_token":"x","account_name":"A"}`, admin, problem.Unauthenticated, nil},
		{"a wrong header beside the token", "PATCH /account/", `{"account_id":"JANE","secret_token":"SECRET","account_name":"A"}`,
			[]string{bearer("x")}, problem.Unauthenticated, nil},
		{"another account's header beside the token", "PATCH /account/", `{"account_id":"JANE","secret_token":"SECRET","account_name":"A"}`,
			[]string{bearer("STRANGER")}, problem.Unauthenticated, nil},
		{"a token that may only read, before what it lacks", "PATCH /account/", `{}`, []string{bearer("READER")}, problem.Forbidden, nil},
		{"another account", "PATCH /account/", `{"account_id":"OTHER","secret_token":"SECRET","account_name":"A"}`, nil, problem.NotFound, nil},
		{"another account, though the header could", "PATCH /account/", `{"account_id":"OTHER","secret_token":"SECRET","account_name":"A"}`, admin, problem.NotFound, nil},
		{"no account", "PATCH /account/", `{"account_name":"A"}`, admin, problem.Invalid, []string{"account_id"}},
		{"an empty name", "PATCH /account/", `{"account_id":"JANE","account_name":""}`, admin, problem.Invalid, []string{"account_name"}},
		{"a taken e-mail", "PATCH /account/", `{"account_id":"JANE","email":"other@example.com"}`, admin, problem.Conflict, nil},
		{"a token that may only read", "PATCH /account/", `{"account_id":"JANE","account_name":"A"}`, []string{bearer("READER")}, problem.Forbidden, nil},
		{"an unknown integer", "DELETE /account/", `{"account_id":5}`, admin, problem.NotFound, nil},
		{"another account", "DELETE /account/", `{"account_id":"OTHER"}`, own, problem.NotFound, nil},
		{"no credential", "DELETE /account/", `{"account_id":"JANE"}`, nil, problem.Unauthenticated, nil},

		{"no credential", "POST /destination/", `{"account_id":"JANE","url":"https://example.com"}`, nil, problem.Unauthenticated, nil},
		{"another account", "POST /destination/", `{"account_id":"OTHER","url":"https://example.com"}`, own, problem.NotFound, nil},
		{"no fields", "POST /destination/", `{}`, own, problem.Invalid, []string{"account_id", "url"}},
		{"no URL", "POST /destination/", `{"account_id":"JANE","url":"example"}`, own, problem.Invalid, []string{"url"}},
		{"another scheme", "POST /destination/", `{"account_id":"JANE","url":"ftp://example.com/"}`, own, problem.Invalid, []string{"url"}},
		{"another method", "POST /destination/", fresh(`"http_method":"TRACE"`), own, problem.Invalid, []string{"http_method"}},
		{"a method that is no string", "POST /destination/", fresh(`"http_method":1`), own, problem.Invalid, []string{"http_method"}},
		{"headers that are no object", "POST /destination/", fresh(`"headers":["A"]`), own, problem.Invalid, []string{"headers"}},
		{"null for headers", "POST /destination/", fresh(`"headers":null`), own, problem.Invalid, []string{"headers"}},
		{"a header that is no string", "POST /destination/", fresh(`"headers":{"X-A":"1","X-B":2}`), own, problem.Invalid, []string{"headers.X-B"}},
		{"a reserved header", "POST /destination/", fresh(`"headers":{"X-A":"1","Host":"x"}`), own, problem.Invalid, []string{"headers.Host"}},
		{"a malformed name", "POST /destination/", fresh(`"headers":{"X A":"1"}`), own, problem.Invalid, []string{"headers.X A"}},
		{"a line break", "POST /destination/", fresh(`"headers":{"X-A":"1\r\nX-B: 2"}`), own, problem.Invalid, []string{"headers.X-A"}},
		{"a header twice", "POST /destination/", fresh(`"headers":{"X-A":"1","x-a":"2"}`), own, problem.Invalid, []string{"headers.x-a"}},
		{"many headers", "POST /destination/", fresh(`"headers":{` + strings.Repeat(`"a":"",`, 60) + `"b":""}`), own, problem.Invalid, []string{"headers"}},

		{"no credential", "PATCH /destination/", dest(`"url":"https://example.com"`), nil, problem.Unauthenticated, nil},
		{"no destination", "PATCH /destination/", `{"url":"https://example.com"}`, own, problem.Invalid, []string{"destination_id"}},
		{"an unknown destination", "PATCH /destination/", `{"destination_id":77}`, own, problem.NotFound, nil},
		{"wrong fields", "PATCH /destination/", dest(`"url":"","http_method":"get","headers":{"Via:":""}`), own, problem.Invalid, []string{"url", "http_method", "headers.Via:"}},
		{"a token that may only read", "PATCH /destination/", dest(`"url":"https://example.com"`), []string{bearer("READER")}, problem.Forbidden, nil},
		{"a token that may only push", "DELETE /destination/", `{"destination_id":"DEST","secret_token":"PUSHER"}`, nil, problem.Forbidden, nil},
		{"an account's id", "DELETE /destination/", `{"destination_id":"JANE"}`, own, problem.NotFound, nil},
		{"an id that is none", "DELETE /destination/", `{"destination_id":true}`, own, problem.Invalid, []string{"destination_id"}},
		{"another method", "PUT /destination/", dest(`"url":"https://example.com"`), own, problem.MethodNotAllowed, nil},
	}
}
