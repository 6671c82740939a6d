package pusher_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/destination"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/vault"
)

// received is what a receiver got.
type received struct {
	method, url, body string
	header            http.Header
}

// receiver takes requests and keeps the last one.
func receiver(t *testing.T) (url string, last *received) {
	t.Helper()
	last = &received{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*last = received{r.Method, "http://" + r.Host + r.RequestURI, string(body), r.Header}
	}))
	t.Cleanup(s.Close)
	return s.URL, last
}

// attempt sends an event as the core would: with what lies sealed in the rows.
func (w *world) attempt(t *testing.T, e *ent.Event, d *ent.Destination, headers []sender.Header) {
	t.Helper()
	r := &sender.Request{EventID: e.ID, Method: string(d.HTTPMethod), URL: d.URL, Headers: headers, Payload: e.Payload}
	secrets, err := vault.OpenSecrets(w.box, d.ID, d.AccountID, d.SigningSecrets)
	require.NoError(t, err)
	for _, s := range secrets {
		if s.Valid(w.now) {
			r.Keys = append(r.Keys, s.SenderKey())
		}
	}
	res := w.sender.Send(t.Context(), r)
	require.Equal(t, 200, res.Status, res.Class)
}

// TestAPreviewIsWhatTheReceiverGets: the same event at the same time.
func TestAPreviewIsWhatTheReceiverGets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		url, got := receiver(t)
		ed := destination.SigningAlgorithmEd25519
		for _, method := range []destination.HTTPMethod{destination.HTTPMethodPost, destination.HTTPMethodPut, destination.HTTPMethodGet} {
			d, _, err := w.CreateDestination(jane, pusher.CreateDestinationInput{
				AccountID: a.ID, URL: url + "/hook?a=b", HTTPMethod: &method, SigningAlgorithm: &ed,
				Headers: []sender.Header{{Name: "x-key", Value: "1"}, {Name: "X-Shop", Value: "corner"}, {Name: "User-Agent", Value: "mine"}},
			})
			require.NoError(t, err)
			// Ed25519 has one signature for one text, and the old key signs as well.
			d, _, err = w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, Overlap: new(time.Hour)})
			require.NoError(t, err)
			original := w.event(a.ID, `{"n": 1.00, "text": "ä&b"}`)
			e, err := w.ReplayEvent(jane, pusher.ReplayEventInput{
				EventID: original.ID, DestinationIDs: []string{d.ID}, Headers: []sender.Header{{Name: "X-Key", Value: "2"}},
			})
			require.NoError(t, err)
			rows := db.Ent.Event.Query().CountX(w.system)
			w.engine.forget()

			shown, err := w.PreviewDelivery(jane, pusher.PreviewDeliveryInput{DestinationID: d.ID, EventID: &e.ID})
			require.NoError(t, err)
			require.Equal(t, rows, db.Ent.Event.Query().CountX(w.system), "a preview stores nothing")
			w.engine.requireSilent(t)
			require.Empty(t, got.method, "a preview sends nothing")

			w.attempt(t, e, d, []sender.Header{{Name: "X-Shop", Value: "corner"}, {Name: "User-Agent", Value: "mine"}, {Name: "X-Key", Value: "2"}})
			require.Equal(t, got.method, shown.Method)
			require.Equal(t, got.url, shown.URL)
			if method == destination.HTTPMethodGet {
				require.Nil(t, shown.Body)
				require.Contains(t, shown.URL, "n=1.00")
			} else {
				require.Equal(t, got.body, *shown.Body)
			}
			header := http.Header{}
			for _, h := range shown.Headers {
				header.Add(h.Name, h.Value)
			}
			got.header.Del("Content-Length") // net/http adds them
			got.header.Del("Accept-Encoding")
			require.Equal(t, got.header, header)
			require.Equal(t, e.ID, header.Get("Webhook-Id"))
			require.Len(t, strings.Fields(header.Get("Webhook-Signature")), 2)
			*got = received{}
		}
	})
}

func TestAPreviewNeedsNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	d := w.destination(jane, t, a.ID)
	e := w.event(a.ID, `{"n":1}`)
	preview := func(in pusher.PreviewDeliveryInput) *pusher.HTTPRequest {
		t.Helper()
		in.DestinationID = d.ID
		r, err := w.PreviewDelivery(jane, in)
		require.NoError(t, err)
		return r
	}
	r := preview(pusher.PreviewDeliveryInput{EventType: new("order.paid")})
	require.Contains(t, *r.Body, `"type":"order.paid"`)
	require.Equal(t, "Webhook-Id", r.Headers[3].Name)
	require.True(t, id.Is(id.Event, r.Headers[3].Value))
	require.Equal(t, `[1]`, *preview(pusher.PreviewDeliveryInput{Payload: new(`[1]`)}).Body)
	require.Equal(t, `[1]`, *preview(pusher.PreviewDeliveryInput{Payload: new(`[1]`), EventID: &e.ID}).Body)
	require.Equal(t, `{"n":1}`, *preview(pusher.PreviewDeliveryInput{EventID: &e.ID}).Body)
	d.Update().SetState(destination.StateDisabled).SetEnabled(false).ExecX(w.system)
	preview(pusher.PreviewDeliveryInput{})

	// Old keys sign as long as their overlap lasts.
	_, _, err := w.RotateSigningSecret(jane, pusher.RotateSigningSecretInput{DestinationID: d.ID, Overlap: new(time.Hour)})
	require.NoError(t, err)
	signatures := func() int {
		h := preview(pusher.PreviewDeliveryInput{}).Headers[4]
		require.Equal(t, "Webhook-Signature", h.Name)
		return len(strings.Fields(h.Value))
	}
	require.Equal(t, 2, signatures())
	w.now = w.now.Add(time.Hour)
	require.Equal(t, 1, signatures())

	// Another account's event is none, for the admin too.
	b, _ := w.account(t, "joe@example.com")
	joes := w.event(b.ID, "1")
	_, err = w.PreviewDelivery(w.admin, pusher.PreviewDeliveryInput{DestinationID: d.ID, EventID: &joes.ID})
	requireCode(t, problem.NotFound, err)
}

func TestWhatCanNeverBeSentHasNoPreview(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t))
	a, jane := w.account(t, "jane@example.com")
	get := destination.HTTPMethodGet
	d, _, err := w.CreateDestination(jane, pusher.CreateDestinationInput{AccountID: a.ID, URL: "https://example.com", HTTPMethod: &get})
	require.NoError(t, err)
	_, err = w.PreviewDelivery(jane, pusher.PreviewDeliveryInput{DestinationID: d.ID, Payload: new(`"` + strings.Repeat("x", 9000) + `"`)})
	requireCode(t, problem.Invalid, err)
	require.Contains(t, err.Error(), "url_too_long")
	require.Contains(t, err.Error(), "another method")
	d.Update().SetURL("ftp://example.com").ExecX(w.system) // as no command stores it
	_, err = w.PreviewDelivery(jane, pusher.PreviewDeliveryInput{DestinationID: d.ID})
	requireCode(t, problem.Invalid, err)
	require.Contains(t, err.Error(), "invalid_request")

	_, err = pusher.New(pusher.Options{DB: w.db, Box: w.box}).PreviewDelivery(jane, pusher.PreviewDeliveryInput{DestinationID: d.ID})
	requireCode(t, problem.Internal, err)
}
