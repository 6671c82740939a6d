package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"
)

// alone closes the connection behind a message of which another reader may see
// the end elsewhere: what follows must not be taken for a request. With
// Transfer-Encoding there may have been a Content-Length, which net/http drops
// without a word, and in HTTP/1.0 it drops a Transfer-Encoding (RFC 9112, sections
// 6.1 and 6.3).
func alone(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// secured sets what keeps a browser from doing more with an answer than it is
// for. Handlers of pages replace what they need otherwise.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// allowOrigins lets front-end apps that live elsewhere call the API. Origins are
// compared as they are: there are no patterns. Credentials go in headers and
// never in cookies, so none are allowed.
func allowOrigins(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool { return originIn(origins, origin) },
		AllowedMethods:  []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{
			"Authorization", "CL-X-TOKEN", "Content-Type", idempotencyKeyHeader, eventTypeHeader, keyMemberHeader, typeMemberHeader,
			requestIDHeader, "Last-Event-ID",
		},
		ExposedHeaders: []string{requestIDHeader, "Retry-After", "WWW-Authenticate", rateLimitHeader, rateLimitPolicyHeader},
		MaxAge:         600, // seconds
	}).Handler(next)
}

// CheckOrigin says what is wrong with an entry of Options.CORSOrigins: one that
// is not exactly what browsers send would never match, without a word.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin) || strings.Contains(origin, "*") {
		return fmt.Errorf("%q is no origin: write scheme, host and port as browsers do, such as https://app.example.com", origin)
	}
	return nil
}
