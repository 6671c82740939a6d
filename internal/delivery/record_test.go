package delivery_test

import (
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/receiver"
)

// exchanged is what an attempt keeps of the messages.
type exchanged struct {
	Asker              string
	Sent, Received     map[string]string
	Body               []byte
	Truncated          bool
	DNS, Connect, TLS  int64
	FirstByte, Total   int64
	sentRaw, gotHeader []byte
}

func (w *world) exchange(t testing.TB, deliveryID string) (e exchanged) {
	t.Helper()
	require.NoError(t, w.db.Read.QueryRowContext(t.Context(), `
SELECT asked_by, request_headers, response_headers, response_body, response_truncated, dns_us, connect_us, tls_us, first_byte_us, duration_us
FROM attempts WHERE delivery_id = $1`, deliveryID).
		Scan(&e.Asker, &e.sentRaw, &e.gotHeader, &e.Body, &e.Truncated, &e.DNS, &e.Connect, &e.TLS, &e.FirstByte, &e.Total))
	read := func(raw []byte) map[string]string {
		if raw == nil {
			return nil
		}
		var pairs [][2]string
		require.NoError(t, json.Unmarshal(raw, &pairs), "%q", raw)
		m := make(map[string]string)
		for _, p := range pairs {
			m[p[0]] = p[1]
		}
		return m
	}
	e.Sent, e.Received = read(e.sentRaw), read(e.gotHeader)
	return e
}

func TestAnAttemptKeepsBothMessages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Trace", "abc")
			rw.WriteHeader(202)
			_, _ = rw.Write([]byte("thanks"))
		})
		run, d := w.one(t, r.URL, 0)
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status)
		e := w.exchange(t, d.ID)
		require.Equal(t, "SCHEDULE", e.Asker)
		require.Equal(t, "••••", e.Sent["X-Shop"], "the owner's values are masked")
		require.Equal(t, d.EventID, e.Sent["Webhook-Id"])
		require.Equal(t, r.Requests()[0].Header.Get("webhook-signature"), e.Sent["Webhook-Signature"])
		require.Equal(t, "application/json", e.Sent["Content-Type"])
		require.Equal(t, "abc", e.Received["X-Trace"])
		require.Equal(t, "thanks", string(e.Body))
		require.Zero(t, e.DNS, "there was no name to look up")
		require.Zero(t, e.TLS)
		require.Positive(t, e.Connect)
		require.Positive(t, e.FirstByte)
		require.GreaterOrEqual(t, e.Total, e.Connect+e.FirstByte)
	})
}

// Whatever a receiver answers is stored as it came, and never a reason to try
// again.
func TestAnyAnswerCanBeStored(t *testing.T) {
	t.Parallel()
	var zipped strings.Builder
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("hello"))
	_ = z.Close()
	for name, c := range map[string]struct {
		headers map[string]string
		body    string
		cut     bool
	}{
		"nothing":        {},
		"NUL":            {body: "a\x00b"},
		"no UTF-8":       {body: "\xff\xfe\xfd"},
		"half a rune":    {body: strings.Repeat("x", 16*1024-1) + "é", cut: true},
		"HTML":           {body: "<script>alert(1)</script>"},
		"gzip":           {headers: map[string]string{"Content-Encoding": "gzip"}, body: zipped.String()},
		"a lot":          {body: strings.Repeat("y", 1<<20), cut: true},
		"hostile header": {headers: map[string]string{"X-Odd": "caf\xe9 \xff"}, body: "x"},
		"many headers":   {headers: map[string]string{"X-Long": strings.Repeat("z", 40_000)}, body: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				r := receiver.New(t, func(rw http.ResponseWriter, _ *http.Request) {
					for k, v := range c.headers {
						rw.Header().Set(k, v)
					}
					_, _ = rw.Write([]byte(c.body))
				})
				run, d := w.one(t, r.URL, 0)
				require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status)
				e := w.exchange(t, d.ID)
				require.Equal(t, c.cut, e.Truncated)
				require.Equal(t, c.body[:min(len(c.body), 16*1024)], string(e.Body))
				require.LessOrEqual(t, len(e.gotHeader), 20_000)
				require.NotEmpty(t, e.Received["Date"])
				require.Len(t, r.Requests(), 1)
			})
		})
	}
}

// A database that refuses an answer, for whatever reason, gets the attempt
// without it.
func TestAnAnswerThatIsRefusedIsLeftOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := receiver.New(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("refuse me")) })
		if db.Postgres() {
			w.exec(t, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.response_body IS NOT NULL THEN RAISE 'refused'; END IF; RETURN NEW; END $$`)
			w.exec(t, `CREATE TRIGGER refuse BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION refuse()`)
		} else {
			w.exec(t, `CREATE TRIGGER refuse BEFORE INSERT ON attempts WHEN NEW.response_body IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'refused'); END`)
		}
		run, d := w.one(t, r.URL, 0)
		require.Equal(t, "SUCCEEDED", w.attempt(t, run, d.ID).Status)
		e := w.exchange(t, d.ID)
		require.Empty(t, e.Body)
		require.True(t, e.Truncated, "it is marked")
		require.Len(t, r.Requests(), 1)
		require.Contains(t, w.log.String(), "could not be stored")
	})
}
