package httpapi_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
)

// Every code goes through both forms with one status.
func TestEveryCodeInBothForms(t *testing.T) {
	t.Parallel()
	statuses := map[problem.Code]int{
		problem.Invalid: 400, problem.Unauthenticated: 401, problem.Forbidden: 403, problem.NotFound: 404, problem.MethodNotAllowed: 405,
		problem.Conflict: 409, problem.TooLarge: 413, problem.UnsupportedMedia: 415, problem.RateLimited: 429, problem.Internal: 500, problem.Unavailable: 503,
	}
	texts := map[problem.Code]string{problem.Invalid: "Invalid Data", problem.Unauthenticated: "Un Authenticate"}
	require.Len(t, statuses, len(problem.Codes))
	for _, code := range problem.Codes {
		failure := problem.Wrap(errors.New("planted cause"), code, "a message for <%s>", code)
		failure.Fields = []problem.Field{{Name: "x", Message: "must be y"}}
		o := options()
		o.Ingest = accepts(func(ingest.Event) (ingest.Receipt, error) { return ingest.Receipt{}, failure })
		h := httpapi.New(o)

		native := serve(h, "POST /server/incoming_data", `{}`, bearer("jane"), "X-Request-Id: r1")
		require.Equal(t, "application/problem+json", native.header.Get("Content-Type"))
		require.JSONEq(t, `{"type":"about:blank","title":"`+http.StatusText(statuses[code])+`","status":`+strconv.Itoa(statuses[code])+
			`,"detail":"a message for <`+string(code)+`>","code":"`+string(code)+`","request_id":"r1","errors":[{"name":"x","message":"must be y"}]}`, native.body)

		seed := serve(h, "POST /server/incoming_data", `{"account_id":"acc_jane","secret_token":"jane","data":1}`, "X-Request-Id: r1")
		message, ok := texts[code]
		if !ok {
			message = "a message for <" + string(code) + ">"
		}
		require.Equal(t, "application/json", seed.header.Get("Content-Type"))
		require.JSONEq(t, `{"status":false,"code":"`+string(code)+`","message":"`+message+`","request_id":"r1","errors":[{"name":"x","message":"must be y"}]}`, seed.body)

		for _, got := range []reply{native, seed} {
			require.Equal(t, statuses[code], got.status, code)
			require.Equal(t, code == problem.RateLimited || code == problem.Unavailable, got.header.Get("Retry-After") == "1", code)
			require.Equal(t, code == problem.Unauthenticated, got.header.Get("WWW-Authenticate") == "Bearer", code)
			require.NotContains(t, got.body, "planted")
		}
	}
}

func TestErrorsWithoutACodeAreInternal(t *testing.T) {
	t.Parallel()
	o := options()
	o.Ingest = accepts(func(ingest.Event) (ingest.Receipt, error) { return ingest.Receipt{}, errors.New("planted cause") })
	for _, credential := range []string{bearer("jane"), "X-None: x"} {
		got := serve(httpapi.New(o), "POST /server/incoming_data", `{"account_id":"acc_jane","secret_token":"jane","data":1}`, credential)
		require.Equal(t, http.StatusInternalServerError, got.status)
		require.Equal(t, problem.Internal, got.code(t))
		require.NotContains(t, got.body, "planted")
	}
}
