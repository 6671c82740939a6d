package httpapi_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// bad is a request that must be refused. In its texts JANE is an account's id,
// SECRET its token, READER and PUSHER tokens of one scope, DEST a destination of
// hers, OTHER another account's id, STRANGER its token, ADMIN the admin token.
type bad struct {
	name    string
	line    string
	body    string
	headers []string
	code    problem.Code
	fields  []string // some of those that the answer names
}

// notJSON is what no door takes for JSON.
var notJSON = map[string]string{
	"no JSON":             `hello`,
	"a form":              `a=1&b=2`,
	"nothing":             ``,
	"only space":          " \n",
	"trailing garbage":    `{} x`,
	"two values":          `{}{}`,
	"an unfinished one":   `{"a":`,
	"a byte order mark":   "\ufeff{}",
	"no UTF-8":            "{\"a\":\"\xff\"}",
	"UTF-16":              "\xff\xfe{\x00}\x00",
	"a trailing comma":    `{"a":1,}`,
	"a comment":           `{/**/}`,
	"NaN":                 `NaN`,
	"single quotes":       `{'a':1}`,
	"a control character": "\"\x01\"",
	"nested too deep":     strings.Repeat("[", 514) + strings.Repeat("]", 514),
}

func TestBadInputIsRefusedAndStoresNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		other, stranger := w.account(t, "other@example.com")
		names := strings.NewReplacer("JANE", jane, "SECRET", secret, "OTHER", other, "STRANGER", stranger, "ADMIN", adminToken,
			"DEST", w.destination(t, jane, secret), "READER", w.token(t, jane, auth.Read), "PUSHER", w.token(t, jane, auth.Ingest))
		before := w.rows(t)
		for _, tt := range badRequests() {
			for i, h := range tt.headers {
				tt.headers[i] = names.Replace(h)
			}
			got := w.call(t, names.Replace(tt.line), names.Replace(tt.body), tt.headers...)
			require.Equal(t, tt.code, got.code(t), "%s: %s: %s", tt.line, tt.name, got.body)
			require.Subset(t, got.fields(t), tt.fields, "%s: %s: %s", tt.line, tt.name, got.body)
			require.Equal(t, before, w.rows(t), "%s: %s", tt.line, tt.name)
			require.NotContains(t, got.body, secret)
		}
	})
}

func badRequests() []bad {
	native := "POST /server/incoming_data"
	token := []string{"CL-X-TOKEN: SECRET"}
	tooLarge := `"` + strings.Repeat("x", ingest.MaxPayload-1) + `"`
	all := []bad{
		{"too large", native, tooLarge, token, problem.TooLarge, nil},
		{"nested 513 deep", native, strings.Repeat("[", 513) + strings.Repeat("]", 513), token, problem.Invalid, []string{"body"}},
		{"an empty idempotency key", native, `{}`, append(token, "Idempotency-Key: \t"), problem.Invalid, []string{"Idempotency-Key"}},
		{"a long idempotency key", native, `{}`, append(token, "Idempotency-Key: "+strings.Repeat("k", 256)), problem.Invalid, []string{"Idempotency-Key"}},
		{"an idempotency key with a space", native, `{}`, append(token, "Idempotency-Key: a b"), problem.Invalid, []string{"Idempotency-Key"}},
		{"an idempotency key of other letters", native, `{}`, append(token, "Idempotency-Key: ä"), problem.Invalid, []string{"Idempotency-Key"}},
		{"two idempotency keys", native, `{}`, append(token, "Idempotency-Key: a", "Idempotency-Key: a"), problem.Invalid, []string{"Idempotency-Key"}},
		{"a long event type", native, `{}`, append(token, "Event-Type: "+strings.Repeat("ä", 129)), problem.Invalid, []string{"Event-Type"}},
		{"an event type that is not UTF-8", native, `{}`, append(token, "Event-Type: \xff"), problem.Invalid, []string{"Event-Type"}},
		{"an event type with a control character", native, `{}`, append(token, "Event-Type: a\u0085b"), problem.Invalid, []string{"Event-Type"}},
		{"a token without the scope", native, `{}`, []string{bearer("READER")}, problem.Forbidden, nil},
		{"two credentials", native, `{}`, []string{"CL-X-TOKEN: SECRET", bearer("PUSHER")}, problem.Invalid, []string{"Authorization"}},
		{"one credential twice", native, `{}`, []string{"CL-X-TOKEN: SECRET", "CL-X-TOKEN: SECRET"}, problem.Invalid, []string{"Authorization"}},
		{"a useless credential beside the seed's form", native, `{"account_id":"JANE","secret_token":"SECRET","data":{}}`,
			[]string{"Authorization: Basic SECRET"}, problem.Unauthenticated, nil},
		{"no credential", native, `{"data":1}`, nil, problem.Unauthenticated, nil},
		{"another method", "PUT /server/incoming_data", `{}`, token, problem.MethodNotAllowed, nil},
		{"another path", "POST /server/incoming_data/", `{}`, token, problem.NotFound, nil},

		{"too large", native, `{"account_id":"JANE","secret_token":"SECRET","data":` + tooLarge + `}`, nil, problem.TooLarge, nil},
		{"no account", native, `{"secret_token":"SECRET","data":{}}`, nil, problem.Invalid, []string{"account_id"}},
		{"no token", native, `{"account_id":"JANE","data":{}}`, nil, problem.Invalid, []string{"secret_token"}},
		{"an empty token", native, `{"account_id":"JANE","secret_token":"","data":{}}`, nil, problem.Invalid, []string{"secret_token"}},
		{"no data", native, `{"account_id":"JANE","secret_token":"SECRET"}`, nil, problem.Invalid, []string{"data"}},
		{"null for data", native, `{"account_id":"JANE","secret_token":"SECRET","data":null}`, nil, problem.Invalid, []string{"data"}},
		{"data twice", native, `{"account_id":"JANE","secret_token":"SECRET","data":1,"d\u0061ta":2}`, nil, problem.Invalid, []string{"data"}},
		{"a token that is no string", native, `{"account_id":"JANE","secret_token":7,"data":1}`, nil, problem.Invalid, []string{"secret_token"}},
		{"an account that is no id", native, `{"account_id":1.5,"secret_token":"SECRET","data":1}`, nil, problem.Invalid, []string{"account_id"}},
		{"a wrong token", native, `{"account_id":"JANE","secret_token":"SECRETx","data":1}`, nil, problem.Unauthenticated, nil},
		{"another account", native, `{"account_id":"OTHER","secret_token":"SECRET","data":1}`, nil, problem.Unauthenticated, nil},
		{"an unknown account", native, `{"account_id":7,"secret_token":"SECRET","data":1}`, nil, problem.Unauthenticated, nil},
		{"the admin token", native, `{"account_id":"JANE","secret_token":"ADMIN","data":1}`, nil, problem.Unauthenticated, nil},
		{"a token without the scope", native, `{"account_id":"JANE","secret_token":"READER","data":1}`, nil, problem.Forbidden, nil},
		{"data nested 513 deep", native, `{"account_id":"JANE","secret_token":"SECRET","data":` + strings.Repeat("[", 513) + strings.Repeat("]", 513) + `}`,
			nil, problem.Invalid, []string{"body"}},
	}
	for name, body := range notJSON {
		all = append(all,
			bad{name, native, body, []string{"CL-X-TOKEN: SECRET", "Content-Type:", "Content-Type: application/json"}, problem.Invalid, []string{"body"}},
			bad{name, native, body, nil, problem.Invalid, []string{"body"}},
			bad{name, "GET /server/incoming_data?account_id=JANE&secret_token=SECRET&data=" + url.QueryEscape(body), "", nil, problem.Invalid, []string{"data"}},
			bad{name, "POST /account/", body, []string{bearer("ADMIN")}, problem.Invalid, []string{"body"}},
			bad{name, "PATCH /destination/", body, []string{bearer("SECRET")}, problem.Invalid, []string{"body"}},
		)
	}
	all = append(all, badBatches()...)
	for _, media := range []string{
		"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "application/jsonp",
		"application/xml", "application/json, text/plain", "nonsense", "text/json;",
	} {
		for _, line := range []string{native, batch, "POST /account/", "PATCH /account/", "DELETE /destination/"} {
			all = append(all, bad{media, line, `{}`, []string{"Content-Type:", "Content-Type: " + media, bearer("SECRET")}, problem.UnsupportedMedia, nil})
		}
		all = append(all, bad{media, native, `{}`, []string{"Content-Type:", "Content-Type: " + media}, problem.UnsupportedMedia, nil})
	}
	all = append(all,
		bad{"two media types", native, `{}`, append(token, "Content-Type: application/json"), problem.UnsupportedMedia, nil},
		bad{"gzip", batch, "{}\n", append(token, "Content-Type:", "Content-Type: application/x-ndjson", "Content-Encoding: gzip"), problem.UnsupportedMedia, nil},
		bad{"gzip", native, `{}`, append(token, "Content-Encoding: gzip"), problem.UnsupportedMedia, nil})
	return append(append(all, badQueries()...), badChanges()...)
}

func badQueries() []bad {
	push := "GET /server/incoming_data?"
	return []bad{
		{"nothing", "GET /server/incoming_data", "", nil, problem.Invalid, []string{"account_id", "secret_token", "data"}},
		{"no data", push + "account_id=JANE&secret_token=SECRET", "", nil, problem.Invalid, []string{"data"}},
		{"no token", push + "account_id=JANE&data=1", "", nil, problem.Invalid, []string{"secret_token"}},
		{"no account", push + "secret_token=SECRET&data=1", "", nil, problem.Invalid, []string{"account_id"}},
		{"a wrong token", push + "account_id=JANE&secret_token=wrong&data=1", "", nil, problem.Unauthenticated, nil},
		{"another account", push + "account_id=OTHER&secret_token=SECRET&data=1", "", nil, problem.Unauthenticated, nil},
		{"data twice", push + "account_id=JANE&secret_token=SECRET&data=1&data=2", "", nil, problem.Invalid, []string{"data"}},
		{"a broken escape", push + "account_id=JANE&secret_token=SECRET&data=%zz", "", nil, problem.Invalid, []string{"query"}},
		{"two tokens", push + "secret_token=other&data=1", "", []string{bearer("SECRET")}, problem.Invalid, []string{"secret_token"}},
		{"a wrong header", push + "account_id=JANE&secret_token=&data=1", "", []string{bearer("wrong")}, problem.Unauthenticated, nil},
		{"a header for another account", push + "account_id=OTHER&data=1", "", []string{bearer("SECRET")}, problem.Unauthenticated, nil},
		{"accounts without a credential", "GET /account/?account_id=JANE", "", nil, problem.Unauthenticated, nil},
		{"accounts with a token in the query", "GET /account/?account_id=JANE&secret_token=SECRET", "", nil, problem.Unauthenticated, nil},
		{"another account's", "GET /account/?account_id=OTHER", "", []string{bearer("SECRET")}, problem.NotFound, nil},
		{"an unknown one", "GET /account/?account_id=12", "", []string{bearer("ADMIN")}, problem.NotFound, nil},
		{"no id at all", "GET /account/?account_id=%00", "", []string{bearer("ADMIN")}, problem.NotFound, nil},
		{"a token that may not read", "GET /account/", "", []string{bearer("PUSHER")}, problem.Forbidden, nil},
		{"a list from nowhere", "GET /account/?after=5", "", []string{bearer("ADMIN")}, problem.Invalid, []string{"after"}},
		{"destinations without a credential", "GET /destination/?account_id=JANE", "", nil, problem.Unauthenticated, nil},
		{"destinations of nobody", "GET /destination/", "", []string{bearer("ADMIN")}, problem.Invalid, []string{"account_id"}},
		{"another account's destinations", "GET /destination/?account_id=OTHER", "", []string{bearer("SECRET")}, problem.NotFound, nil},
		{"destinations from nowhere", "GET /destination/?after=x", "", []string{bearer("SECRET")}, problem.Invalid, []string{"after"}},
	}
}

const batch = "POST /server/incoming_data/batch"

func badBatches() []bad {
	token := []string{"CL-X-TOKEN: SECRET"}
	lines := []string{bearer("SECRET"), "Content-Type:", "Content-Type: application/x-ndjson"}
	all := []bad{
		{"no array", batch, `{"a":1}`, token, problem.Invalid, []string{"body"}},
		{"the seed's form", batch, `{"account_id":"JANE","secret_token":"SECRET","data":[1]}`, nil, problem.Unauthenticated, nil},
		{"an array that is cut off", batch, `[{"a":1},{"a":2}`, token, problem.Invalid, []string{"body"}},
		{"an element that is cut off", batch, `[{"a":1},{"a":]`, token, problem.Invalid, []string{"body"}},
		{"an empty array", batch, ` [ ] `, token, problem.Invalid, []string{"body"}},
		{"no lines", batch, " \n\r\n\t", lines, problem.Invalid, []string{"body"}},
		{"too many elements", batch, "[" + strings.Repeat("1,", 1000) + "1]", token, problem.Invalid, []string{"body"}},
		{"too many lines", batch, strings.Repeat("1\n", 1001), lines, problem.Invalid, []string{"body"}},
		{"too large", batch, "[" + strings.Repeat(" ", 8<<20) + "1]", token, problem.TooLarge, nil},
		{"a long idempotency key", batch, `[1]`, append(token, "Idempotency-Key: "+strings.Repeat("k", 252)), problem.Invalid, []string{"Idempotency-Key"}},
		{"a long event type", batch, `[1]`, append(token, "Event-Type: "+strings.Repeat("x", 129)), problem.Invalid, []string{"Event-Type"}},
		{"a key and a member for it", batch, `[{"a":"b"}]`, append(token, "Idempotency-Key: k", "Idempotency-Key-Member: a"), problem.Invalid, []string{"Idempotency-Key-Member"}},
		{"two members for a key", batch, `[{"a":"b"}]`, append(token, "Idempotency-Key-Member: a", "Idempotency-Key-Member: b"), problem.Invalid, []string{"Idempotency-Key-Member"}},
		{"a member without a name", batch, `[{"a":"b"}]`, append(token, "Event-Type-Member: \t"), problem.Invalid, []string{"Event-Type-Member"}},
		{"a member with a long name", batch, `[{"a":"b"}]`, append(token, "Event-Type-Member: "+strings.Repeat("x", 129)), problem.Invalid, []string{"Event-Type-Member"}},
		{"a token without the scope", batch, `[1]`, []string{bearer("READER")}, problem.Forbidden, nil},
		{"the admin token", batch, `[1]`, []string{bearer("ADMIN")}, problem.Unauthenticated, nil},
		{"another method", "GET /server/incoming_data/batch", "", token, problem.MethodNotAllowed, nil},
	}
	for name, body := range notJSON {
		if name == "nested too deep" {
			continue // that is the element's own fault
		}
		all = append(all, bad{name, batch, "[" + body + "]", token, problem.Invalid, []string{"body"}})
	}
	return all
}
