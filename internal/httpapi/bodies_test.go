package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
	"datapusher/internal/problem"
)

// stalled is the end of a body that does not come.
type stalled struct{ arrived, ends chan struct{} }

func newStalled() stalled { return stalled{make(chan struct{}), make(chan struct{})} }

func (s stalled) Read([]byte) (int, error) {
	close(s.arrived)
	<-s.ends
	return 0, io.EOF
}

func TestLargeBodiesAreBoundedInAll(t *testing.T) {
	t.Parallel()
	const room = 16 * httpapi.BodyStep
	event := func(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }
	const large = ingest.MaxPayload // which takes all of it
	h := httpapi.New(options().Limited(httpapi.Limits{MaxBodies: room}))
	post := func(body string, headers ...string) reply {
		return serve(h, "POST /server/incoming_data", body, headers...)
	}

	held := make(chan reply)
	s := newStalled()
	go func() {
		r := httptest.NewRequest(http.MethodPost, "/server/incoming_data", io.MultiReader(strings.NewReader(event(large)), s))
		r.Header.Set("CL-X-TOKEN", "jane")
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		held <- reply{answer.Code, answer.Header(), answer.Body.String()}
	}()
	<-s.arrived

	got := post(event(large), bearer("jane"))
	require.Equal(t, problem.Unavailable, got.code(t), got.body)
	require.Equal(t, "1", got.header.Get("Retry-After"))
	require.Equal(t, problem.Unavailable, serve(h, batch, "["+event(large)+"]", bearer("jane")).code(t))
	require.Equal(t, http.StatusAccepted, post(event(httpapi.FirstRead), bearer("jane")).status, "what is common is always taken")
	unannounced := newRequest("POST /server/incoming_data", event(httpapi.FirstRead), bearer("jane"))
	unannounced.ContentLength = -1
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, unannounced)
	require.Equal(t, http.StatusAccepted, answer.Code, "also where its length is not known before")

	close(s.ends)
	require.Equal(t, http.StatusAccepted, (<-held).status)
	require.Equal(t, http.StatusAccepted, post(event(large), bearer("jane")).status)
	require.Equal(t, http.StatusAccepted, post(event(large), bearer("jane")).status, "refused ones give back what they had")
}

// Callers without a credential cannot take the room of those who have one.
func TestStrangersHaveAQuarterOfTheRoom(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options().Limited(httpapi.Limits{MaxBodies: 16 * httpapi.BodyStep}))
	form := func(size int) string {
		return `{"account_id":"acc_jane","secret_token":"jane","data":"` + strings.Repeat("x", size) + `"}`
	}
	got := serve(h, "POST /server/incoming_data", form(6*httpapi.BodyStep))
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.Equal(t, http.StatusOK, serve(h, "POST /server/incoming_data", form(3*httpapi.BodyStep)).status)
	require.Equal(t, http.StatusAccepted, serve(h, "POST /server/incoming_data", form(6*httpapi.BodyStep), bearer("jane")).status)
}

// What is only announced takes no room.
func TestAnnouncingTakesNoRoom(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options().Limited(httpapi.Limits{MaxBodies: 4 * httpapi.BodyStep}))
	for range 100 {
		s := newStalled()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r := httptest.NewRequest(http.MethodPost, "/server/incoming_data", io.MultiReader(strings.NewReader("["), s))
			r.ContentLength = 1 << 20
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
		<-s.arrived
		t.Cleanup(func() {
			close(s.ends)
			<-ended
		})
	}
	require.Equal(t, http.StatusAccepted,
		serve(h, "POST /server/incoming_data", `"`+strings.Repeat("x", 3*httpapi.BodyStep)+`"`, bearer("jane")).status)
}
