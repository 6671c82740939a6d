package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"datapusher/internal/origin"
	"datapusher/internal/problem"
	"datapusher/internal/requestid"
)

const requestIDHeader = "X-Request-Id"

// observe gives each request its id and the address that it came from, ends
// panics and writes one log line.
func (a *api) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		rec := &record{id: requestIDOf(r.Header), client: a.proxies.client(r), tell: tellProblem}
		r = r.WithContext(withRecord(origin.With(requestid.With(r.Context(), rec.id), rec.address()), rec))
		release := a.bodies.watch(r, rec)
		answer := &response{ResponseWriter: w}
		w.Header().Set(requestIDHeader, rec.id)
		defer func() {
			release()
			cause := recover()
			if cause != nil && cause != http.ErrAbortHandler {
				a.panicked(answer, r, cause)
			}
			a.log(r, answer, time.Since(began))
			if cause == http.ErrAbortHandler || cause != nil && rec.failure == nil {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// panicked answers a request whose handler has panicked, if it can be answered.
func (a *api) panicked(w *response, r *http.Request, cause any) {
	rec := recordOf(r)
	a.Logger.LogAttrs(r.Context(), slog.LevelError, "a request panicked",
		slog.String("request_id", rec.id), slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
	if w.status == 0 {
		rec.fail(w, fmt.Errorf("panic: %v", cause))
	} else {
		rec.failure = nil
	}
}

// log writes the request's line.
func (a *api) log(r *http.Request, w *response, took time.Duration) {
	rec := recordOf(r)
	level := slog.LevelInfo
	switch {
	case probed(r.Pattern) && w.status < 400:
		level = slog.LevelDebug // asked for every few seconds, for ever
	case w.status == http.StatusAccepted:
		level = slog.LevelDebug // an event: the lines of its attempts name it
	}
	if level == slog.LevelDebug && !a.Logger.Enabled(r.Context(), level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 10),
		slog.String("method", knownMethod(r.Method)), slog.String("route", r.Pattern), slog.Int("status", w.status),
		slog.Int64("bytes", w.bytes), slog.Duration("took", took), slog.String("request_id", rec.id))
	if rec.account != "" {
		attrs = append(attrs, slog.String("account", rec.account))
	}
	if f := rec.failure; f != nil {
		attrs = append(attrs, slog.String("code", string(f.Code)))
		// What is merely too much, for now, has no cause, and comes in floods.
		if f.Code == problem.Internal || f.Code == problem.Unavailable && f.Unwrap() != nil {
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", f.Error()))
		}
	}
	a.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

func probed(pattern string) bool {
	return pattern == "/healthz" || pattern == "/readyz" || pattern == "/metrics"
}

// knownMethod keeps what a caller has invented out of the log.
func knownMethod(method string) string {
	known := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect,
	}
	if slices.Contains(known, method) {
		return method
	}
	return "other"
}

// requestIDOf takes over the id that a proxy before us has given, where it is a
// plain word, so that both logs name the request alike.
func requestIDOf(h http.Header) string {
	given := h.Values(requestIDHeader)
	if len(given) != 1 || given[0] == "" || len(given[0]) > 128 {
		return requestid.New()
	}
	for _, c := range []byte(given[0]) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == ':':
		default:
			return requestid.New()
		}
	}
	return given[0]
}
