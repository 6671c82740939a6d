package load_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/bench/load"
	"datapusher/bench/load/ledger"
	"datapusher/internal/id"
)

// got is a request that a door got.
type got struct {
	token  string
	kind   string
	number uint64
	time   int64
	size   int
}

// door takes events as the real one does, and remembers them.
type door struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, nth int) bool // reports whether it answered itself

	mu     sync.Mutex
	minter id.Minter
	got    []got
	ids    map[uint64]string // by number
}

func newDoor(t *testing.T, answer func(http.ResponseWriter, *http.Request, int) bool) *door {
	t.Helper()
	d := &door{answer: answer, ids: make(map[uint64]string)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /server/incoming_data", d.one)
	mux.HandleFunc("POST /server/incoming_data/batch", d.batch)
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

func (d *door) url() string { return d.URL + "/server/incoming_data" }

// take remembers an event and gives its id.
func (d *door) take(r *http.Request, payload []byte) (event string, nth int) {
	n, t, _ := ledger.ReadStamp(payload)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, got{r.Header.Get("Authorization"), r.Header.Get("Event-Type"), n, t, len(payload)})
	d.ids[n] = d.minter.Events(time.Now(), 1)[0]
	return d.ids[n], len(d.got)
}

func (d *door) one(w http.ResponseWriter, r *http.Request) {
	payload, _ := io.ReadAll(r.Body)
	event, nth := d.take(r, payload)
	if d.answer != nil && d.answer(w, r, nth) {
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"status":true,"event_id":"%s","deliveries":1,"duplicate":false}`+"\n", event)
}

// batch refuses every third event.
func (d *door) batch(w http.ResponseWriter, r *http.Request) {
	var payloads []json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&payloads); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	results := make([]map[string]any, len(payloads))
	for i, p := range payloads {
		event, _ := d.take(r, p)
		results[i] = map[string]any{"status": true, "event_id": event, "deliveries": 1}
		if i%3 == 2 {
			results[i] = map[string]any{"status": false, "error": map[string]any{"message": `a "quoted" \ one, [{`, "status": true}}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": true, "accepted": 1, "failed": 1, "results": results})
}

// run runs a generator, and gives the records that it wrote.
func run(t *testing.T, o load.Options) (*load.Result, map[uint64]ledger.Record) {
	t.Helper()
	o.Accepted = filepath.Join(t.TempDir(), "accepted")
	result, err := load.Run(t.Context(), o)
	require.NoError(t, err)
	records := make(map[uint64]ledger.Record)
	for r, err := range ledger.ReadFile(o.Accepted) {
		require.NoError(t, err)
		require.NotContains(t, records, r.Number)
		records[r.Number] = r
	}
	return result, records
}
