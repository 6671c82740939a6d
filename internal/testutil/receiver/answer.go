package receiver

import "net/http"

// Answer answers one request. The request's body can be read (again). An answer
// that blocks must return when the request's context ends.
type Answer func(w http.ResponseWriter, r *http.Request)

// Status answers with that status, an empty body, and headers given as names and
// values by turns, such as Status(503, "Retry-After", "5").
func Status(code int, headers ...string) Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// Times is the same answer n times.
func Times(n int, a Answer) []Answer {
	answers := make([]Answer, n)
	for i := range answers {
		answers[i] = a
	}
	return answers
}

// Hangup takes the request and closes the connection without an answer, as a
// server does that restarts or that has just given up an idle connection. A
// client must not take that for leave to send again.
func Hangup(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Until holds the answer back until release is closed, or the sender gives up.
func Until(release <-chan struct{}, then Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			then(w, r)
		case <-r.Context().Done():
		}
	}
}
