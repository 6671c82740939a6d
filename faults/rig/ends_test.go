package rig

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"math/rand/v2"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"datapusher/bench/load/ledger"
	"datapusher/faults/check"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestReceiverWritesDownWhatItAnswers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "received")
	r, err := startReceiver(t.Context(), file, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	wh, err := webhooks.NewWebhook(secret)
	require.NoError(t, err)
	add := func(name string, m Manner) *Destination {
		d := &Destination{DestinationSpec: DestinationSpec{Name: name, Manner: m}, ID: "dst_" + name, webhook: wh}
		r.add(d)
		return d
	}
	add("well", Manner{})
	add("fails", Manner{Fails: 1})
	hangs := add("hangs", Manner{Hangs: true})
	body := ledger.AppendPayload(nil, 200)
	ledger.Stamp(body, 7, 1_764_000_000_000_000_000)
	push := func(name, id string) (int, error) {
		now := time.Now()
		signature, err := wh.Sign("evt_1", now, body)
		require.NoError(t, err)
		q, err := http.NewRequest(http.MethodPost, "http://"+r.address+"/"+name, bytes.NewReader(body))
		require.NoError(t, err)
		q.Header.Set("webhook-id", id)
		q.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		q.Header.Set("webhook-signature", signature)
		client := http.Client{Timeout: 200 * time.Millisecond}
		if name != "hangs" || hangs.manner.Load().Slow > 0 {
			client.Timeout = time.Minute
		}
		answer, err := client.Do(q)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	for _, c := range []struct {
		to, id string
		want   int
	}{{"well", "evt_1", 200}, {"fails", "evt_1", 503}, {"well", "evt_2", 200}, {"none", "evt_1", 404}} {
		status, err := push(c.to, c.id)
		require.NoError(t, err)
		require.Equal(t, c.want, status)
	}
	_, err = push("hangs", "evt_1")
	require.Error(t, err)
	hangs.Behave(Manner{Slow: time.Millisecond})
	status, err := push("hangs", "evt_1")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Eventually(t, func() bool {
		all, err := readJournal[check.Received](file)
		return err == nil && len(all) == 5
	}, time.Minute, time.Millisecond)
	require.NoError(t, r.close())

	all, err := readJournal[check.Received](file)
	require.NoError(t, err)
	statuses := map[string]int{}
	for _, one := range all {
		statuses[one.Destination+" "+one.ID] += one.Status
		require.Equal(t, hashOf(body), one.Hash)
		require.True(t, one.Stamped)
		require.EqualValues(t, 7, one.Number)
		require.EqualValues(t, 1_764_000_000_000_000_000, one.Pushed.UnixNano())
		require.False(t, one.Answered.Before(one.At))
		require.Equal(t, one.ID == "evt_2", one.Signature != "", "%+v", one)
	}
	require.Equal(t, map[string]int{"dst_well evt_1": 200, "dst_well evt_2": 200, "dst_fails evt_1": 503, "dst_hangs evt_1": 200}, statuses)
}

// door answers what the sender has to take for what it is.
func TestSendersRepeatWhatIsAmbiguous(t *testing.T) {
	t.Parallel()
	var tries [32]atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/readyz" {
			return
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(q.Body)
		n, _, _ := ledger.ReadStamp(body.Bytes())
		if n >= 32 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		try := tries[n].Add(1)
		switch {
		case n == 1 && try == 1:
			panic(http.ErrAbortHandler)
		case n == 2 && try == 1, n == keyless-1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 3 && try == 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case n == 4:
			w.WriteHeader(http.StatusConflict)
		case n == 5 && try == 1:
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"event_`))
		default:
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"event_id":"evt_` + strconv.FormatUint(n, 10) + `","duplicate":` + strconv.FormatBool(try > 1) + `}`))
		}
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "sent")
	s, err := newSenders(file, 1000, []account{{"acc", "token"}}, []string{server.URL})
	require.NoError(t, err)
	s.start(t.Context())
	done := func() bool {
		for n := range tries {
			if tries[n].Load() == 0 {
				return false
			}
		}
		return s.accepted.Load() >= 30
	}
	require.Eventually(t, done, time.Minute, time.Millisecond)
	s.finish(time.Minute)
	require.NoError(t, s.close())

	all, err := readJournal[check.Sent](file)
	require.NoError(t, err)
	got := map[uint64][]check.Outcome{}
	for _, one := range all {
		got[one.Number] = append(got[one.Number], one.Outcome)
		require.Equal(t, one.Number%keyless == keyless-1, one.Key == "", "%+v", one)
		require.Equal(t, one.Number == 1 && one.Outcome == check.Ambiguous, one.Cut, "%+v", one)
	}
	for n, want := range map[uint64][]check.Outcome{
		0: {check.Accepted, check.Accepted}, // on purpose
		1: {check.Ambiguous, check.Accepted}, 2: {check.Ambiguous, check.Accepted}, 3: {check.Refused, check.Accepted},
		4: {check.Refused}, 5: {check.Ambiguous, check.Accepted}, 6: {check.Accepted}, 7: {check.Ambiguous},
	} {
		require.Equal(t, want, got[n], n)
	}
}

func TestSendersGoWhereItIsReady(t *testing.T) {
	t.Parallel()
	s, err := newSenders(filepath.Join(t.TempDir(), "sent"), 1, nil, []string{"a", "b", "c"})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	seen := map[string]int{}
	for range 30 {
		seen[s.next().url]++
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, seen)
	s.doors[1].ready.Store(false)
	for range 30 {
		require.NotEqual(t, "b", s.next().url)
	}
	s.doors[0].ready.Store(false)
	s.doors[2].ready.Store(false)
	require.NotNil(t, s.next())
}
