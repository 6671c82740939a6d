package receiver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/receiver"
)

func post(t *testing.T, client *http.Client, url, body string) (int, error) {
	t.Helper()
	res, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Body.Close()
}

// newClient is a client with connections of its own.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestARequestIsRecordedAsItArrived(t *testing.T) {
	t.Parallel()
	r := receiver.New(t)
	const body = "{\"b\":1.00,\r\n \"a\":\"\\u0000\xff\"}"
	before := time.Now()
	req, err := http.NewRequest(http.MethodPut, r.URL+"/a%2Fb?q=1.00&q=%20+&&x", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-One", "1")
	req.Host = "example.com"
	res, err := newClient(t).Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)

	all := r.Requests()
	require.Len(t, all, 1)
	got := all[0]
	require.Equal(t, http.MethodPut, got.Method)
	require.Equal(t, "/a/b", got.Path)
	require.Equal(t, "q=1.00&q=%20+&&x", got.RawQuery)
	require.Equal(t, "/a%2Fb?q=1.00&q=%20+&&x", got.Target)
	require.Equal(t, "example.com", got.Host)
	require.Equal(t, []string{"1"}, got.Header["X-One"])
	require.Equal(t, body, string(got.Body))
	require.EqualValues(t, len(body), got.ContentLength)
	require.NoError(t, got.BodyErr)
	require.WithinRange(t, got.At, before, time.Now())
	require.NotEmpty(t, got.RemoteAddr)
}

func TestTheScript(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}
	client := newClient(t)
	r := receiver.New(t, slices.Concat(receiver.Times(2, receiver.Status(503)), []receiver.Answer{echo, receiver.Status(204)})...)
	want := []int{503, 503, 202, 204, 204}
	for i, status := range want {
		got, err := post(t, client, r.URL, "hello")
		require.NoError(t, err)
		require.Equal(t, status, got, i)
	}
	r.Script(receiver.Status(410), receiver.Status(429, "Retry-After", "5"))
	got, err := post(t, client, r.URL, "")
	require.NoError(t, err)
	require.Equal(t, 410, got)
	res, err := client.Get(r.URL)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 429, res.StatusCode)
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	require.Len(t, r.Requests(), len(want)+2)
}

func TestWaitSeesRequestsThatArriveWhileItWaits(t *testing.T) {
	t.Parallel()
	r := receiver.New(t)
	client := newClient(t)
	const n = 50
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, _ = post(t, client, fmt.Sprintf("%s/%d", r.URL, i), "x") })
	}
	require.GreaterOrEqual(t, len(r.Wait(t, 1)), 1)
	paths := map[string]bool{}
	for _, req := range r.Wait(t, n) {
		paths[req.Path] = true
	}
	require.Len(t, paths, n)
	wg.Wait()
}

func TestWaitGivesUpBeforeTheTestsDeadlineWithWhatArrived(t *testing.T) {
	t.Parallel()
	r := receiver.New(t)
	_, err := post(t, newClient(t), r.URL+"/came?q=1", "four")
	require.NoError(t, err)
	f := &fakeTest{TB: t, deadline: time.Now().Add(1050 * time.Millisecond)}
	require.PanicsWithValue(t, f, func() { r.Wait(f, 2) })
	require.Less(t, time.Until(f.deadline), time.Second)
	require.Greater(t, time.Until(f.deadline), time.Duration(0), "time is left for the test's own words")
	require.Contains(t, f.fatal, "waited for 2 requests")
	require.Contains(t, f.fatal, "POST /came?q=1 (4 bytes)")
}

// fakeTest is a test with a deadline of its own, whose end the real test sees.
type fakeTest struct {
	testing.TB
	deadline time.Time
	fatal    string
}

func (f *fakeTest) Deadline() (time.Time, bool) { return f.deadline, true }
func (f *fakeTest) Fatalf(format string, args ...any) {
	f.fatal = fmt.Sprintf(format, args...)
	panic(f)
}

func TestHangupOnAKeptConnectionTemptsTheClientToSendAgain(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	r := receiver.New(t, receiver.Status(200), receiver.Hangup, receiver.Status(200))
	for range 2 {
		res, err := client.Get(r.URL)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
	}
	all := r.Requests()
	require.Len(t, all, 3, "net/http sent the second request twice")
	require.Equal(t, all[0].RemoteAddr, all[1].RemoteAddr)
	require.NotEqual(t, all[1].RemoteAddr, all[2].RemoteAddr)

	r.Script(receiver.Hangup)
	_, err := post(t, newClient(t), r.URL, "x")
	require.ErrorIs(t, err, io.EOF)
}

func TestUntilHoldsTheAnswerBack(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := receiver.New(t, receiver.Until(release, receiver.Status(201)))
	client := newClient(t)

	ctx, giveUp := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		first <- err
	}()
	r.Wait(t, 1)
	giveUp()
	require.ErrorIs(t, <-first, context.Canceled)

	second := make(chan int, 1)
	go func() {
		status, _ := post(t, client, r.URL, "x")
		second <- status
	}()
	r.Wait(t, 2)
	require.Empty(t, second)
	close(release)
	require.Equal(t, 201, <-second)
}

func TestABodyThatEndsEarlyIsToldFromAWholeOne(t *testing.T) {
	t.Parallel()
	r := receiver.New(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	require.NoError(t, err)
	_, err = conn.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	got := r.Wait(t, 1)[0]
	require.ErrorIs(t, got.BodyErr, io.ErrUnexpectedEOF)
	require.Equal(t, "half", string(got.Body))
	require.EqualValues(t, 8, got.ContentLength)
}

func TestAnAnswerThatBlocksDoesNotHoldTheTestsEnd(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	t.Run("test", func(t *testing.T) {
		r := receiver.New(t, receiver.Until(nil, nil))
		go func() { _, _ = http.Get(r.URL) }()
		r.Wait(t, 1)
	})
	require.Less(t, time.Since(begin), 4*time.Second)
}
