package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/httpapi"
	"datapusher/internal/id"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

func TestTheBodyIsTheEventByteForByte(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		w.destination(t, jane, secret)
		for name, body := range map[string]string{
			"an object":                     `{"a":1.00,"b":[1e400,123456789012345678901234567890]}`,
			"space around and in it":        " \r\n{ \"a\" :\t1 } \n",
			"names that are repeated":       `{"a":1,"a":2}`,
			"escapes":                       `{"a":"\u0041\u0000\ud800\/"}`,
			"text of all kinds":             `"ÿ€😀<&>"`,
			"what looks like seed's":        `{"account_id":"acc_1","secret_token":"x","data":{"a":1}}`,
			"null":                          `null`,
			"a number":                      `-0`,
			"depth":                         strings.Repeat("[", 512) + strings.Repeat("]", 512),
			"the largest":                   `"` + strings.Repeat("x", ingest.MaxPayload-2) + `"`,
			"more than one read, announced": `"` + strings.Repeat("y", 100_000) + `"`,
		} {
			got := w.call(t, "POST /server/incoming_data", body, "CL-X-TOKEN: "+secret)
			require.Equal(t, http.StatusAccepted, got.status, "%s: %s", name, got.body)
			answer := got.json(t)
			event := answer["event_id"].(string)
			require.True(t, id.Is(id.Event, event))
			require.Equal(t, map[string]any{"status": true, "event_id": event, "deliveries": 1.0, "duplicate": false}, answer)
			require.True(t, body == w.payload(t, event), "%s was changed", name)
		}
		require.NotEmpty(t, <-w.engine.runs)
	})
}

func TestBodiesOfUnknownLengthArriveWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, secret := w.account(t, "jane@example.com")
	for _, size := range []int{2, 4096, 4097, 300_000, ingest.MaxPayload, ingest.MaxPayload + 1} {
		body := `"` + strings.Repeat("x", size-2) + `"`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/server/incoming_data",
			io.MultiReader(strings.NewReader(body))) // hides the length
		require.NoError(t, err)
		got := w.do(t, with(req, []string{bearer(secret)}))
		if size > ingest.MaxPayload {
			require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
			continue
		}
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.True(t, body == w.payload(t, got.json(t)["event_id"].(string)))
	}
}

func TestMediaTypesOfEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, secret := w.account(t, "jane@example.com")
	for _, media := range []string{
		"", " application/json", " application/json; charset=utf-8", ` Application/JSON;charset="UTF-8"`,
		" application/cloudevents+json", " application/vnd.api+json; version=1",
	} {
		got := w.call(t, "POST /server/incoming_data", `{}`, bearer(secret), "Content-Type:", "Content-Type:"+media, "Content-Encoding: identity")
		require.Equal(t, http.StatusAccepted, got.status, "%q: %s", media, got.body)
	}
}

func TestAnEventWithoutDestinationsIsAccepted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, secret := w.account(t, "jane@example.com")
		got := w.call(t, "POST /server/incoming_data", `{"a":1}`, bearer(secret), "Event-Type: order.paid€").json(t)
		require.EqualValues(t, 0, got["deliveries"])
		event, err := w.db.Ent.Event.Get(auth.AsSystem(t.Context()), got["event_id"].(string))
		require.NoError(t, err)
		require.Equal(t, "order.paid€", event.EventType)
		require.Equal(t, 0, w.rows(t)["deliveries"])
	})
}

func TestAnIdempotencyKeyStandsForOneEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		w.destination(t, jane, secret)
		key := "Idempotency-Key: " + strings.Repeat("~", ingest.MaxKey)
		answers := make([]reply, 100)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = w.call(t, "POST /server/incoming_data", `{"a":1}`, bearer(secret), key) })
		}
		all.Wait()
		fresh := 0
		for _, got := range answers {
			require.Equal(t, http.StatusAccepted, got.status, got.body)
			require.Equal(t, answers[0].json(t)["event_id"], got.json(t)["event_id"])
			require.EqualValues(t, 1, got.json(t)["deliveries"])
			if got.json(t)["duplicate"] == false {
				fresh++
			}
		}
		require.Equal(t, 1, fresh)
		require.Equal(t, 1, w.rows(t)["events"])
		other := w.call(t, "POST /server/incoming_data", `{"a":2}`, bearer(secret), key)
		require.Equal(t, http.StatusConflict, other.status)
		require.Equal(t, problem.Conflict, other.code(t))
	})
}

// A sender that announces too much is told so before it has sent it.
func TestWhatIsAnnouncedAsTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	_, secret := w.account(t, "jane@example.com")
	read, write := io.Pipe()
	t.Cleanup(func() { _ = write.Close() })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/server/incoming_data", read) // from which nothing comes
	require.NoError(t, err)
	req.ContentLength = ingest.MaxPayload + 1
	got := w.do(t, with(req, []string{bearer(secret)}))
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
}

// What a client announces must not cost memory before it comes.
func TestAnnouncedBodiesGetRoomAsTheyCome(t *testing.T) {
	t.Parallel()
	var body offered
	req := newRequest("POST /server/incoming_data", "", bearer("jane"))
	req.Body, req.ContentLength = io.NopCloser(&body), ingest.MaxPayload
	rec := httptest.NewRecorder()
	httpapi.New(options()).ServeHTTP(rec, req)
	require.Equal(t, http.StatusBadRequest, rec.Code)
	require.LessOrEqual(t, body.room, 32<<10)
}

// What was announced and did not come is not an event.
func TestABodyThatEndsEarlyIsNoEvent(t *testing.T) {
	t.Parallel()
	req := newRequest("POST /server/incoming_data", "", bearer("jane"))
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader("12")), 3
	rec := httptest.NewRecorder()
	httpapi.New(options()).ServeHTTP(rec, req)
	require.Equal(t, http.StatusBadRequest, rec.Code)
}

// offered is a body that ends at once and notes how much room it was offered.
type offered struct{ room int }

func (o *offered) Read(b []byte) (int, error) {
	o.room = max(o.room, len(b))
	return 0, io.ErrUnexpectedEOF
}
