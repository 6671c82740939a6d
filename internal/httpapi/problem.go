package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"

	"datapusher/internal/problem"
)

// statuses is the one place where codes become HTTP statuses.
var statuses = map[problem.Code]int{
	problem.Invalid:          http.StatusBadRequest,
	problem.Unauthenticated:  http.StatusUnauthorized,
	problem.Forbidden:        http.StatusForbidden,
	problem.NotFound:         http.StatusNotFound,
	problem.MethodNotAllowed: http.StatusMethodNotAllowed,
	problem.Conflict:         http.StatusConflict,
	problem.TooLarge:         http.StatusRequestEntityTooLarge,
	problem.UnsupportedMedia: http.StatusUnsupportedMediaType,
	problem.RateLimited:      http.StatusTooManyRequests,
	problem.Internal:         http.StatusInternalServerError,
	problem.Unavailable:      http.StatusServiceUnavailable,
}

// teller answers with an error. Its cause is for the log: it must not be told.
type teller func(w http.ResponseWriter, requestID string, p *problem.Error)

// document is a problem document (RFC 9457). Its type is about:blank, which says
// that the title is the status's own; the meaning stands in code.
type document struct {
	Type      string          `json:"type"`
	Title     string          `json:"title"`
	Status    int             `json:"status"`
	Detail    string          `json:"detail"`
	Code      problem.Code    `json:"code"`
	RequestID string          `json:"request_id"`
	Errors    []problem.Field `json:"errors,omitempty"`
}

// tellProblem is the native form.
func tellProblem(w http.ResponseWriter, requestID string, p *problem.Error) {
	status := failing(w, p.Code)
	writeJSON(w, "application/problem+json", status, document{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: p.Message, Code: p.Code, RequestID: requestID, Errors: p.Fields,
	})
}

// failing sets the headers that a code brings along and gives its status.
func failing(w http.ResponseWriter, code problem.Code) int {
	h := w.Header()
	switch code {
	case problem.Unauthenticated:
		h.Set("WWW-Authenticate", "Bearer")
	case problem.RateLimited, problem.Unavailable:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "1") // second
		}
	case problem.TooLarge:
		h.Set("Connection", "close") // the rest of the body is not worth reading
	}
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	b := encoded(v)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(b) // an error means that nobody reads any more
}

// encoded is a value as JSON with a line break. Characters such as < stay as
// they are: the answer is no HTML, and nosniff keeps it from being taken for such.
func encoded(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // the types of this package can all be encoded
	}
	return b.Bytes()
}
