package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/httpapi"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// Nobody learns from the answer why a credential was refused.
func TestEveryRefusedCredentialGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		gone, goneSecret := w.account(t, "gone@example.com")
		w.call(t, "DELETE /account/", `{"account_id":"`+gone+`"}`, asAdmin)
		before := w.rows(t)
		event := func(headers ...string) reply {
			return w.call(t, "POST /server/incoming_data", `{"a":1}`, append(headers, "X-Request-Id: same")...)
		}
		seed := func(account, secret string) reply {
			return w.call(t, "POST /server/incoming_data", `{"account_id":"`+account+`","secret_token":"`+secret+`","data":1}`, "X-Request-Id: same")
		}
		for _, answers := range [][]reply{
			{
				event(), event("CL-X-TOKEN: wrong"), event(bearer("dpt_" + secret[4:len(secret)-1] + "-")), event(bearer(auth.NewSecretToken())),
				event(bearer(goneSecret)), event(asAdmin), event("CL-X-TOKEN: " + adminToken), event("Authorization: Basic " + secret),
				event("Authorization: Bearer  "), event("Authorization: " + secret), event("CL-X-TOKEN: \t"),
			},
			{
				seed(jane, "wrong"), seed(jane, goneSecret), seed(gone, goneSecret), seed(gone, secret), seed("7", secret), seed("acc_", secret),
				seed(jane, adminToken), seed(jane, secret+"x"),
			},
		} {
			for i, got := range answers {
				require.Equal(t, http.StatusUnauthorized, got.status, "%d: %s", i, got.body)
				require.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"))
				require.Equal(t, answers[0].body, got.body, i)
				got.header.Del("Date")
				answers[0].header.Del("Date")
				require.Equal(t, answers[0].header, got.header, i)
			}
		}
		require.Equal(t, before, w.rows(t))
	})
}

func TestTheSameTokenMayComeInBothHeaders(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	require.Equal(t, http.StatusAccepted, serve(h, "POST /server/incoming_data", "1", bearer("jane"), "CL-X-TOKEN: jane").status)
	require.Equal(t, http.StatusAccepted, serve(h, "POST /server/incoming_data", "1", "Authorization: Basic abc", "CL-X-TOKEN: jane").status,
		"somebody else's scheme is no second token")
}

func TestMetricsAreTheOperators(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for credential, want := range map[string]int{
		"X-None: x": http.StatusUnauthorized, bearer("wrong"): http.StatusUnauthorized,
		bearer("jane"): http.StatusForbidden, bearer("admin"): http.StatusOK,
	} {
		require.Equal(t, want, serve(h, "GET /metrics", "", credential).status, credential)
	}
}

func TestGraphQLGetsItsViewer(t *testing.T) {
	t.Parallel()
	o := options()
	o.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := auth.Kind("nobody")
		if v := auth.From(r.Context()); v != nil {
			kind = v.Kind
		}
		_, _ = w.Write([]byte(kind))
	})
	h := httpapi.New(o)
	for _, method := range []string{"GET", "POST"} {
		require.Equal(t, "nobody", serve(h, method+" /graphql", "").body)
		require.Equal(t, "ADMIN", serve(h, method+" /graphql", "", bearer("admin")).body)
		require.Equal(t, "ACCOUNT", serve(h, method+" /graphql", "", "CL-X-TOKEN: jane").body)
		got := serve(h, method+" /graphql", "", bearer("wrong"))
		require.Equal(t, http.StatusUnauthorized, got.status)
		require.Equal(t, problem.Unauthenticated, got.code(t))
	}
}
