package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/testutil/dbtest"
)

// The requests that the seed system's README had, in its order. A credential's
// header is there where ours asks for one and the seed did not.
func TestTheSeedsRequests(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		created := w.call(t, "POST /account/",
			`{"account_name": "Jane's shop", "email": "Jane@example.com", "website": "https://example.com"}`, asAdmin)
		require.Equal(t, http.StatusOK, created.status, created.body)
		require.Equal(t, "Account Created Successfully", created.json(t)["message"])
		account := created.data(t)
		jane, secret := account["account_id"].(string), account["secret_token"].(string)
		require.True(t, id.Is(id.Account, jane))
		delete(account, "secret_token")
		require.Equal(t, map[string]any{
			"account_id": jane, "account_name": "Jane's shop", "email": "jane@example.com", "website": "https://example.com",
		}, account)

		got := w.call(t, "GET /account/?account_id="+jane, "", asAdmin)
		require.Equal(t, map[string]any{"status": true, "data": account}, got.json(t), "and no token")

		created = w.call(t, "POST /destination/", `{"account_id": "`+jane+`", "url": "https://example.com/hook", "http_method": "POST",
			"headers": {"Z-First": "1", "APP_ID": "<\u00fc>", "A-Last": ""}}`, bearer(secret))
		require.Equal(t, "Destination Created Successfully", created.json(t)["message"])
		destination := created.data(t)
		require.Contains(t, created.body, `"headers":{"Z-First":"1","APP_ID":"<ü>","A-Last":""}`, "in the order in which they came")
		require.True(t, strings.HasPrefix(destination["signing_secret"].(string), "whsec_"))
		delete(destination, "signing_secret")
		hook := destination["id"].(string)
		require.Equal(t, map[string]any{
			"id": hook, "account": jane, "url": "https://example.com/hook", "http_method": "POST",
			"headers": map[string]any{"Z-First": "1", "APP_ID": "<ü>", "A-Last": ""},
		}, destination)
		got = w.call(t, "GET /destination/?account_id="+jane, "", bearer(secret))
		require.Equal(t, map[string]any{"status": true, "data": []any{destination}}, got.json(t), "and no signing secret")

		data := `{ "order": 1.00, "items": [ "a" ,"ä"] }`
		pushed := w.call(t, "POST /server/incoming_data", `{"account_id": "`+jane+`", "secret_token": "`+secret+`", "data":  `+data+` }`)
		require.Equal(t, http.StatusOK, pushed.status, pushed.body)
		event := pushed.json(t)["event_id"].(string)
		require.Equal(t, map[string]any{"status": true, "event_id": event, "deliveries": 1.0, "duplicate": false}, pushed.json(t))
		require.Equal(t, data, w.payload(t, event))

		pushed = w.call(t, "GET /server/incoming_data?"+url.Values{
			"account_id": {jane}, "secret_token": {secret}, "data": {data},
		}.Encode(), "")
		require.Equal(t, http.StatusOK, pushed.status, pushed.body)
		require.Equal(t, data, w.payload(t, pushed.json(t)["event_id"].(string)))

		changed := w.call(t, "PATCH /account/", `{"account_id": "`+jane+`", "secret_token": "`+secret+`", "account_name": "Jane", "website": null}`)
		require.Equal(t, "Updated Successfully", changed.json(t)["message"], changed.body)
		require.Equal(t, map[string]any{"account_id": jane, "account_name": "Jane", "email": "jane@example.com", "website": ""}, changed.data(t))

		changed = w.call(t, "PATCH /destination/", `{"destination_id": "`+hook+`", "http_method": "GET", "headers": {}}`, bearer(secret))
		require.Equal(t, "Updated Successfully", changed.json(t)["message"], changed.body)
		require.Equal(t, map[string]any{
			"id": hook, "account": jane, "url": "https://example.com/hook", "http_method": "GET", "headers": map[string]any{},
		}, changed.data(t))

		gone := w.call(t, "DELETE /destination/", `{"destination_id": "`+hook+`"}`, bearer(secret))
		require.Equal(t, map[string]any{"status": true, "message": "Deleted Successfully"}, gone.json(t))
		require.JSONEq(t, `{"status":true,"data":[]}`, w.call(t, "GET /destination/", "", bearer(secret)).body)

		gone = w.call(t, "DELETE /account/", `{"account_id": "`+jane+`", "secret_token": "`+secret+`"}`)
		require.Equal(t, map[string]any{"status": true, "message": "Deleted Successfully"}, gone.json(t))
		require.Equal(t, http.StatusUnauthorized, w.call(t, "GET /account/", "", bearer(secret)).status)
		require.JSONEq(t, `{"status":true,"data":[]}`, w.call(t, "GET /account", "", asAdmin).body)
	})
}

func TestTheSeedsTextsWithHonestStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	jane, secret := w.account(t, "jane@example.com")
	for _, tt := range []struct {
		line, body string
		status     int
		message    string
	}{
		{"POST /server/incoming_data", `{"account_id":"` + jane + `"}`, http.StatusBadRequest, "Invalid Data"},
		{"POST /server/incoming_data", `{"account_id":"` + jane + `","secret_token":"x","data":1}`, http.StatusUnauthorized, "Un Authenticate"},
		{"GET /server/incoming_data?account_id=1", ``, http.StatusBadRequest, "Invalid Data"},
		{"GET /server/incoming_data?account_id=" + jane + "&secret_token=x&data=1", ``, http.StatusUnauthorized, "Un Authenticate"},
		{"PATCH /account/", `{"account_id":"` + jane + `","secret_token":"x"}`, http.StatusUnauthorized, "Invalid Details"},
		{"DELETE /account/", `{"account_id":1,"secret_token":"` + secret + `"}`, http.StatusNotFound, "Invalid Details"},
		{"PATCH /account/", `{"secret_token":"` + secret + `"}`, http.StatusBadRequest, "Invalid Details"},
		{"POST /destination/", `{"account_id":"` + jane + `","secret_token":"x"}`, http.StatusUnauthorized, "Un Authenticate"},
		{"GET /destination/?account_id=" + jane, ``, http.StatusUnauthorized, "Un Authenticate"},
	} {
		got := w.call(t, tt.line, tt.body)
		require.Equal(t, tt.status, got.status, "%s %s: %s", tt.line, tt.body, got.body)
		require.Equal(t, false, got.json(t)["status"])
		require.Equal(t, tt.message, got.json(t)["message"], "%s %s", tt.line, tt.body)
		require.Equal(t, got.header.Get("X-Request-Id"), got.json(t)["request_id"])
	}
}

// Rows that an import brought along are named by their integers, in and out.
func TestTheSeedsIntegers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		hook := w.destination(t, jane, secret)
		push := func(account string) int {
			return w.call(t, "POST /server/incoming_data", `{"account_id":`+account+`,"secret_token":"`+secret+`","data":{}}`).status
		}
		require.Equal(t, http.StatusUnauthorized, push("7"), "it has no integer yet")
		system := auth.AsSystem(t.Context())
		require.NoError(t, db.Ent.Account.UpdateOneID(jane).SetSeedID(7).Exec(system))
		require.NoError(t, db.Ent.Destination.UpdateOneID(hook).SetSeedID(70).Exec(system))

		for range 2 { // the second time from memory
			require.Equal(t, http.StatusOK, push("7"))
			require.Equal(t, http.StatusOK, push(`"7"`))
			require.Equal(t, http.StatusOK, push(`"`+jane+`"`))
			require.Equal(t, http.StatusUnauthorized, push("8"))
			require.Equal(t, http.StatusUnauthorized, push(`"07"`))
			require.Equal(t, http.StatusUnauthorized, push(`"+7"`))
		}
		pusher := w.token(t, jane, auth.Ingest)
		got := w.call(t, "GET /server/incoming_data?account_id=7&data=1&secret_token="+pusher, "")
		require.Equal(t, http.StatusOK, got.status, "the alias of one's own account takes no scope to read: %s", got.body)

		require.EqualValues(t, 7, w.call(t, "GET /account/?account_id=7", "", asAdmin).data(t)["account_id"])
		listed := w.call(t, "GET /destination/?account_id="+jane, "", asAdmin)
		require.Contains(t, listed.body, `"id":70,"account":7,`)
		changed := w.call(t, "PATCH /destination/", `{"destination_id":"70","secret_token":"`+secret+`","url":"https://example.com/2"}`)
		require.Equal(t, "https://example.com/2", changed.data(t)["url"])
		changed = w.call(t, "PATCH /destination", `{"id":70,"account":7,"url":"https://example.com/3"}`, bearer(secret))
		require.Equal(t, "https://example.com/3", changed.data(t)["url"], "an answer's object can be sent back")
		require.EqualValues(t, 7, w.call(t, "PATCH /account", `{"account_id":7}`, asAdmin).data(t)["account_id"])
		require.EqualValues(t, 7, w.call(t, "POST /destination", `{"account_id":7,"url":"https://example.com"}`, asAdmin).data(t)["account"])
	})
}

func TestAHeadersCredentialStandsForTheQuerys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	jane, secret := w.account(t, "jane@example.com")
	for _, query := range []string{"data=[1]", "account_id=" + jane + "&data=[1]", "secret_token=" + secret + "&data=[1]"} {
		got := w.call(t, "GET /server/incoming_data?"+query, "", "CL-X-TOKEN: "+secret, "Idempotency-Key: 1")
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.Equal(t, `[1]`, w.payload(t, got.json(t)["event_id"].(string)))
	}
	require.Equal(t, 1, w.rows(t)["events"], "the key holds in every form")
}

// The deepest event fits into the seed's object.
func TestDataMayBeAsDeepAsAnEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	jane, secret := w.account(t, "jane@example.com")
	deep := strings.Repeat("[", 512) + strings.Repeat("]", 512)
	got := w.call(t, "POST /server/incoming_data", `{"account_id":"`+jane+`","secret_token":"`+secret+`","data":`+deep+`}`)
	require.Equal(t, http.StatusOK, got.status, got.body)
}

// Values of headers are secrets as often as not.
func TestHeaderValuesAreMaskedWithoutTheScopeToManage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	jane, secret := w.account(t, "jane@example.com")
	w.call(t, "POST /destination/", `{"account_id":"`+jane+`","url":"https://example.com","headers":{"X-Key":"planted"}}`, bearer(secret)).data(t)
	got := w.call(t, "GET /destination/", "", bearer(w.token(t, jane, auth.Read)))
	require.Contains(t, got.body, `"headers":{"X-Key":"••••"}`)
	require.NotContains(t, got.body, "planted")
	require.Contains(t, w.call(t, "GET /destination/", "", bearer(secret)).body, "planted")
}

func TestListsGoOnWhereTheyEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		insertMany(t, db, jane, listed)
		other, otherSecret := w.account(t, "other@example.com")
		w.destination(t, other, otherSecret)
		for path, more := range map[string]int{"/account/": 2, "/destination/?account_id=" + jane: 1} {
			first := w.call(t, "GET "+path, "", asAdmin).json(t)
			require.Len(t, first["data"], listed)
			next := first["next"].(string)
			joined := path + "?"
			if strings.Contains(path, "?") {
				joined = path + "&"
			}
			second := w.call(t, "GET "+joined+"after="+next, "", asAdmin).json(t)
			require.Len(t, second["data"], more)
			require.NotContains(t, second, "next")
			require.NotContains(t, first["data"], second["data"].([]any)[0])
		}
		own := w.call(t, "GET /account/", "", bearer(secret)).json(t)
		require.Len(t, own["data"], 1, "an account sees itself")
	})
}
