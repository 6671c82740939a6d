package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
)

// TestTheSeedsDoorsAreInTheAuditLog: what is changed there is noted like what is
// changed through GraphQL, and found by the id of the request.
func TestTheSeedsDoorsAreInTheAuditLog(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		system := auth.AsSystem(t.Context())
		longest := "X-Request-Id: " + strings.Repeat("r", 128)
		// by carries out a change and gives the one action that it is.
		by := func(line, body string, headers ...string) (reply, *ent.Action) {
			t.Helper()
			known := db.Ent.Action.Query().IDsX(system)
			r := w.call(t, line, body, append(headers, longest)...)
			require.Equal(t, http.StatusOK, r.status, r.body)
			a := db.Ent.Action.Query().Where(action.IDNotIn(known...)).OnlyX(system)
			require.Equal(t, "127.0.0.1", a.Address, line)
			require.Equal(t, r.header.Get("X-Request-Id"), a.RequestID, line)
			return r, a
		}
		made, a := by("POST /account/", `{"account_name": "Jane", "email": "jane@example.com"}`, asAdmin)
		jane, secret := made.data(t)["account_id"].(string), made.data(t)["secret_token"].(string)
		require.Equal(t, "CREATE admin "+jane, string(a.Kind)+" "+a.Actor+" "+a.SubjectID)
		me := db.Ent.Token.Query().Where(token.AccountID(jane)).OnlyX(system).ID
		own := `{"account_id": "` + jane + `", "secret_token": "` + secret + `"`

		made, a = by("POST /destination/", own+`, "url": "https://example.com/hook?k=marker-1", "http_method": "POST", "headers": {"X-Key": "marker-2"}}`)
		hook := made.data(t)["id"].(string)
		require.Equal(t, "CREATE "+me+" "+hook, string(a.Kind)+" "+a.Actor+" "+a.SubjectID)
		require.Contains(t, string(a.After), `"headers":{"X-Key":"set"}`)

		_, a = by("PATCH /account/", own+`, "account_name": "Jane's shop"}`)
		require.Equal(t, "UPDATE "+me+" "+jane, string(a.Kind)+" "+a.Actor+" "+a.SubjectID)
		require.Equal(t, `{"name":"Jane"} {"name":"Jane's shop"}`, string(a.Before)+" "+string(a.After))

		_, a = by("PATCH /destination/", `{"secret_token": "`+secret+`", "destination_id": "`+hook+`", "headers": {"X-Key": "marker-3"}}`)
		require.Equal(t, "UPDATE "+me+" "+hook, string(a.Kind)+" "+a.Actor+" "+a.SubjectID)
		require.Equal(t, `{"headers":{"X-Key":"set"}} {"headers":{"X-Key":"changed"}}`, string(a.Before)+" "+string(a.After))

		_, a = by("DELETE /destination/", `{"secret_token": "`+secret+`", "destination_id": "`+hook+`"}`)
		require.Equal(t, "DELETE "+me+" "+hook, string(a.Kind)+" "+a.Actor+" "+a.SubjectID)
		_, a = by("DELETE /account/", own+`}`)
		require.Equal(t, "DELETE "+me+" "+jane, string(a.Kind)+" "+a.Actor+" "+a.SubjectID)

		for _, a := range db.Ent.Action.Query().AllX(system) {
			for _, marker := range []string{"marker", secret} {
				require.NotContains(t, string(a.Before)+string(a.After)+a.Reason, marker)
			}
		}

		// What is refused is no change.
		known := db.Ent.Action.Query().CountX(system)
		require.Equal(t, http.StatusUnauthorized, w.call(t, "PATCH /account/", own+`, "account_name": "x"}`).status)
		require.Equal(t, http.StatusBadRequest, w.call(t, "POST /account/", `{"account_name": "", "email": "x"}`, asAdmin).status)
		require.Equal(t, known, db.Ent.Action.Query().CountX(system))
	})
}
