package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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

// results is the answer to several events.
type results struct {
	Status           bool
	Accepted, Failed int
	Results          []struct {
		Status        bool
		Code, Message string
		EventID       string `json:"event_id"`
		Deliveries    int
		Duplicate     bool
	}
}

func (r reply) results(t *testing.T) results {
	t.Helper()
	require.Equal(t, "application/json", r.header.Get("Content-Type"), r.body)
	var v results
	require.NoError(t, json.Unmarshal([]byte(r.body), &v), r.body)
	require.Equal(t, len(v.Results), v.Accepted+v.Failed)
	require.Equal(t, v.Failed == 0, v.Status)
	return v
}

// codes are those of the results; "" for an event that was accepted.
func (r results) codes() []string {
	codes := make([]string, len(r.Results))
	for i, res := range r.Results {
		codes[i] = res.Code
	}
	return codes
}

const asLines = "Content-Type: application/x-ndjson"

// batch sends a body to the door for several events, with headers.
func (w *world) batch(t *testing.T, body string, headers ...string) reply {
	t.Helper()
	if slices.Contains(headers, asLines) {
		headers = append([]string{"Content-Type:"}, headers...)
	}
	return w.call(t, batch, body, headers...)
}

func TestEachElementAndEachLineIsAnEventByteForByte(t *testing.T) {
	t.Parallel()
	events := []string{
		`{"a":1.00,"b":[1e400,123456789012345678901234567890]}`, "{ \"a\" :\t[ 1 ,\r2 ] }", `{"a":1,"a":2}`, `"\u0041\u0000\ud800\/],"`, `"ÿ€😀<&>"`,
		`null`, `-0`, strings.Repeat("[", 512) + strings.Repeat("]", 512), `"` + strings.Repeat("x", 100_000) + `"`, `[]`, `[{}]`, `"the last"`,
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		w.destination(t, jane, secret)
		for _, form := range []struct {
			body    string
			headers []string
			around  [2]string // what belongs to an event of a line
		}{
			{"\r\n[ " + strings.Join(events, " ,\n") + "\t] ", []string{bearer(secret)}, [2]string{}},
			{"[" + strings.Join(events, ",") + "]", []string{bearer(secret), "Content-Type:"}, [2]string{}},
			{strings.Join(events, "\n"), []string{"CL-X-TOKEN: " + secret, asLines}, [2]string{}},
			{" \n" + strings.Join(events, "\r\n\n\t\r\n") + "\r\n", []string{bearer(secret), asLines}, [2]string{}},
			{strings.Join(events, " \n\t ") + " \n", []string{bearer(secret), "Content-Type:", `Content-Type: Application/NDJSON; charset="UTF-8"`}, [2]string{"\t ", " "}},
		} {
			got := w.batch(t, form.body, append(form.headers, "Event-Type: order.paid")...)
			require.Equal(t, http.StatusAccepted, got.status, "%.300s", got.body)
			answer := got.results(t)
			require.Len(t, answer.Results, len(events))
			require.Equal(t, len(events), answer.Accepted)
			var ids []string
			for i, res := range answer.Results {
				require.True(t, res.Status)
				require.True(t, id.Is(id.Event, res.EventID))
				require.Equal(t, 1, res.Deliveries)
				require.False(t, res.Duplicate)
				ids = append(ids, res.EventID)
				want := events[i] + form.around[1]
				if i > 0 {
					want = form.around[0] + want
				}
				require.True(t, want == w.payload(t, res.EventID), "%d was changed", i)
				event, err := w.db.Ent.Event.Get(auth.AsSystem(t.Context()), res.EventID)
				require.NoError(t, err)
				require.Equal(t, "order.paid", event.EventType)
			}
			require.True(t, slices.IsSorted(ids), "the order of the events is that of their ids")
		}
	})
}

// One event that fails is no obstacle to the others.
func TestEachEventOfARequestFailsByItself(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 513) + strings.Repeat("]", 513)
	largest := `"` + strings.Repeat("x", ingest.MaxPayload-2) + `"`
	large := largest + " "
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, secret := w.account(t, "jane@example.com")
		got := w.batch(t, "["+strings.Join([]string{`1`, deep, largest, `"` + largest[1:len(largest)-1] + `x"`, `3`}, ",")+"]", bearer(secret))
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.Equal(t, []string{"", "invalid", "", "too_large", ""}, got.results(t).codes())
		require.Equal(t, "the event is nested too deep (at byte offset 512)", got.results(t).Results[1].Message)
		require.Equal(t, "3", w.payload(t, got.results(t).Results[4].EventID))
		require.Equal(t, 3, w.rows(t)["events"])

		all := []string{`1`, deep, largest, large}
		want := []string{"", "invalid", "", "too_large"}
		for name, line := range notJSON {
			if strings.TrimSpace(line) != "" { // no event at all
				all, want = append(all, line), append(want, "invalid")
			}
			require.NotContains(t, line, "\n{", name)
		}
		all, want = append(all, `{"a":"cut`), append(want, "invalid")
		got = w.batch(t, strings.Join(all, "\n"), bearer(secret), asLines)
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.Equal(t, want, got.results(t).codes())
		require.Equal(t, 2, got.results(t).Accepted)
		require.Equal(t, 5, w.rows(t)["events"])
	})
}

func TestTheMostThatARequestMayHave(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, secret := w.account(t, "jane@example.com")
		var body strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&body, "%d\n", i)
		}
		got := w.batch(t, body.String()+strings.Repeat(" ", 8<<20-body.Len()), bearer(secret), asLines)
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.Equal(t, 1000, got.results(t).Accepted)
		for _, i := range []int{0, 499, 999} {
			require.Equal(t, fmt.Sprint(i), w.payload(t, got.results(t).Results[i].EventID))
		}
		require.Equal(t, 1000, w.rows(t)["events"])
		for _, many := range []reply{
			w.batch(t, body.String()+"1000\n", bearer(secret), asLines),
			w.batch(t, "["+strings.Repeat("1,", 1001)+"broken", bearer(secret)), // nobody looks beyond
		} {
			require.Equal(t, http.StatusBadRequest, many.status)
			require.Contains(t, many.body, "1 to 1000 events")
		}
	})
}

func TestAnIdempotencyKeyStandsForTheEventsOfARequest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		w.destination(t, jane, secret)
		stem := strings.Repeat("~", 251)
		key := "Idempotency-Key: " + stem
		values := make([]string, 1000) // so that keys have their longest form
		for i := range values {
			values[i] = fmt.Sprint(i)
		}
		body := func() string { return "[" + strings.Join(values, ",") + "]" }
		first := w.batch(t, body(), bearer(secret), key).results(t)
		require.Equal(t, 1000, first.Accepted)
		ids := make([]string, 1000)
		for i, res := range first.Results {
			require.False(t, res.Duplicate)
			ids[i] = res.EventID
		}
		require.True(t, slices.IsSorted(ids), "the order of the events is that of their ids")
		for range 2 {
			again := w.batch(t, strings.Join(values, "\n"), bearer(secret), key, asLines).results(t)
			for i, res := range again.Results {
				require.Equal(t, ids[i], res.EventID)
				require.True(t, res.Duplicate)
				require.Equal(t, 1, res.Deliveries)
			}
		}
		require.Equal(t, 1000, w.rows(t)["events"])

		values[999] = `"another"`
		got := w.batch(t, body(), bearer(secret), key)
		require.Equal(t, http.StatusAccepted, got.status)
		require.Equal(t, "conflict", got.results(t).Results[999].Code)
		require.Equal(t, 999, got.results(t).Accepted)
		got = w.batch(t, `["another","another"]`, bearer(secret), key)
		require.Equal(t, http.StatusConflict, got.status)
		require.Equal(t, []string{"conflict", "conflict"}, got.results(t).codes())

		alone := w.call(t, "POST /server/incoming_data", "998", bearer(secret), key+"/998")
		require.Equal(t, http.StatusAccepted, alone.status, alone.body)
		require.Equal(t, ids[998], alone.json(t)["event_id"])
		require.Equal(t, true, alone.json(t)["duplicate"])
		require.Equal(t, 1000, w.rows(t)["events"])
	})
}

// A sender that collects its events anew, in other groups, sends none twice.
func TestEachEventMayHaveItsKeyAndTypeInAMember(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		_, secret := w.account(t, "jane@example.com")
		headers := []string{bearer(secret), "Idempotency-Key-Member: id", "Event-Type-Member: kind", "Event-Type: of.all"}
		first := w.batch(t, `[{"id":"a","kind":"order.paid"},{"kind":"ä€","\u0069d":-7.50},{"id":"c","x":{"kind":"deeper"}},{"id":"a","kind":"order.paid"}]`, headers...)
		require.Equal(t, []string{"", "", "", ""}, first.results(t).codes())
		all := first.results(t).Results
		require.True(t, all[3].Duplicate)
		require.Equal(t, all[0].EventID, all[3].EventID)
		for i, want := range [][2]string{{"a", "order.paid"}, {"-7.50", "ä€"}, {"c", "of.all"}} {
			event, err := db.Ent.Event.Get(auth.AsSystem(t.Context()), all[i].EventID)
			require.NoError(t, err)
			require.Equal(t, want, [2]string{event.IdempotencyKey, event.EventType})
		}

		second := w.batch(t, `{"id":"c","x":{"kind":"deeper"}}
{"id":"b"}
{"id":"a","kind":"another"}`, append(headers, asLines)...)
		require.Equal(t, []string{"", "", "conflict"}, second.results(t).codes())
		require.True(t, second.results(t).Results[0].Duplicate)
		require.False(t, second.results(t).Results[1].Duplicate)
		alone := w.call(t, "POST /server/incoming_data", `{"id":"b"}`, bearer(secret), "Idempotency-Key: b")
		require.Equal(t, second.results(t).Results[1].EventID, alone.json(t)["event_id"])
		require.Equal(t, 4, w.rows(t)["events"])

		unfit := w.batch(t, `{"id":"fine"}
{}
["id"]
{"id":null}
{"id":""}
{"id":"with space"}
{"id":"1","id":"2"}
{"id":"`+strings.Repeat("x", 256)+`"}
{"id":"k","kind":""}
{"id":"k","kind":true}
{"id":"k","kind":"1","kind":"1"}
{"id":"k","kind":"`+strings.Repeat("x", 129)+`"}`, append(headers, asLines)...)
		require.Equal(t, append([]string{""}, slices.Repeat([]string{"invalid"}, 11)...), unfit.results(t).codes())
		require.Contains(t, unfit.results(t).Results[1].Message, `"id"`)
		require.Equal(t, 5, w.rows(t)["events"])
	})
}

// Where no event was accepted the status says why.
func TestTheStatusWhereNoEventWasAccepted(t *testing.T) {
	t.Parallel()
	for _, code := range problem.Codes {
		o := options()
		o.Ingest = accepts(func(e ingest.Event) (ingest.Receipt, error) {
			if string(e.Payload) == "1" {
				return ingest.Receipt{EventID: "evt_1"}, nil
			}
			return ingest.Receipt{}, problem.Wrap(errors.New("planted cause"), code, "a <\"message\">")
		})
		h := httpapi.New(o)
		ours := code == problem.Unavailable || code == problem.Internal
		single := serve(h, "POST /server/incoming_data", "2", bearer("jane"), "X-Request-Id: r1")
		for _, body := range []string{"[2]", "[2,3]"} {
			got := serve(h, batch, body, bearer("jane"), "X-Request-Id: r1")
			require.Equal(t, single.status, got.status, code)
			require.NotContains(t, got.body, "planted")
			if ours {
				require.Equal(t, single, got, "as for a single event")
				continue
			}
			require.Equal(t, slices.Repeat([]string{string(code)}, strings.Count(body, ",")+1), got.results(t).codes())
			require.Equal(t, `a <"message">`, got.results(t).Results[0].Message)
		}
		got := serve(h, batch, "[2,1]", bearer("jane"))
		require.Equal(t, http.StatusAccepted, got.status)
		require.Equal(t, []string{string(code), ""}, got.results(t).codes())
		require.Empty(t, got.header.Get("Retry-After"))

		got = serve(h, batch, "2\nbroken", bearer("jane"), asLines)
		if ours {
			require.Equal(t, single.status, got.status, "it can be sent again")
			require.Equal(t, code, got.code(t))
		} else {
			require.Equal(t, http.StatusBadRequest, got.status)
			require.Equal(t, []string{string(code), "invalid"}, got.results(t).codes())
		}
	}
}

func TestThatNoEventWasAcceptedIsLogged(t *testing.T) {
	t.Parallel()
	h, lines := observed(options())
	serve(h, batch, "broken", bearer("jane"), asLines)
	serve(h, batch, "broken\n1", bearer("jane"), asLines)
	all := lines(t)
	require.Equal(t, "invalid", all[0]["code"])
	require.Equal(t, "/server/incoming_data/batch", all[0]["route"])
	require.NotContains(t, all[1], "code")
}

// What finds no room to wait is told when to come again, and nothing of it is stored.
func TestEventsThatFindNoRoomMayComeAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, func(o *ingest.Options) { o.MaxWaiting, o.MaxWaitingBytes = 4, 100 })
		_, secret := w.account(t, "jane@example.com")
		large := `"` + strings.Repeat("x", 100) + `"`
		for _, got := range []reply{
			w.call(t, "POST /server/incoming_data", large, bearer(secret)),
			w.batch(t, "["+large+"]", bearer(secret)),
			w.batch(t, "[1,2,3,4,5]", bearer(secret)),
			w.batch(t, "1\n2\nbroken\n3\n4\n5", bearer(secret), asLines),
		} {
			require.Equal(t, http.StatusServiceUnavailable, got.status, got.body)
			require.Equal(t, "1", got.header.Get("Retry-After"))
			require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			require.Equal(t, problem.Unavailable, got.code(t))
		}
		require.Zero(t, w.rows(t)["events"])
		require.Equal(t, 3, w.batch(t, "[1,2,3]", bearer(secret)).results(t).Accepted)
	})
}
