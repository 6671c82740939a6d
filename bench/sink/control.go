package sink

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// Control is how another process asks. Answers are JSON; one that is not 200 has
// {"error": "…"}.
//
//	GET  /control/stats           Stats
//	GET  /control/latency         summaries by class
//	POST /control/reset           forgets all
//	POST /control/reset-latency   forgets latencies alone
//	POST /control/check           Expectation in, Verdict out
//	POST /control/verify?secret=whsec_…&every=100[&destination=7]
func (s *Sink) Control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := f(r)
			w.Header().Set("Content-Type", "application/json")
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				v = map[string]string{"error": err.Error()}
			}
			_ = json.NewEncoder(w).Encode(v) // an error means that nobody reads any more
		})
	}
	handle("GET /control/stats", func(*http.Request) (any, error) { return s.Stats(), nil })
	handle("GET /control/latency", func(*http.Request) (any, error) { return s.Latency(), nil })
	handle("POST /control/reset", func(*http.Request) (any, error) {
		s.Reset()
		return struct{}{}, nil
	})
	handle("POST /control/reset-latency", func(*http.Request) (any, error) {
		s.ResetLatency()
		return struct{}{}, nil
	})
	handle("POST /control/check", func(r *http.Request) (any, error) {
		var x Expectation
		if err := json.NewDecoder(r.Body).Decode(&x); err != nil {
			return nil, err
		}
		return s.Check(x)
	})
	handle("POST /control/verify", func(r *http.Request) (any, error) { return struct{}{}, s.verifyQuery(r) })
	return mux
}

func (s *Sink) verifyQuery(r *http.Request) error {
	every, err := strconv.Atoi(r.FormValue("every"))
	if err != nil {
		return errors.New("every is a number")
	}
	var destination *uint32
	if d := r.FormValue("destination"); d != "" {
		n, err := strconv.ParseUint(d, 10, 32)
		if err != nil {
			return errors.New("destination is a number")
		}
		index := uint32(n)
		destination = &index
	}
	return s.Verify(r.FormValue("secret"), every, destination)
}
