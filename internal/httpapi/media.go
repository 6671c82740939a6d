package httpapi

import (
	"mime"
	"net/http"
	"strings"

	"datapusher/internal/problem"
)

// checkMedia refuses a body that says of itself that it is not JSON in UTF-8 as
// it stands. A body without a Content-Type is taken at its word, which is what
// stands in it: RFC 9110, section 8.3, leaves that to the recipient.
func checkMedia(h http.Header) error {
	for _, coding := range h.Values("Content-Encoding") {
		if !strings.EqualFold(coding, "identity") {
			return problem.New(problem.UnsupportedMedia, "the body must not be compressed: leave Content-Encoding out")
		}
	}
	switch types := h.Values("Content-Type"); {
	case len(types) == 0, len(types) == 1 && isJSON(types[0]):
		return nil
	}
	return problem.New(problem.UnsupportedMedia, "the body must be JSON in UTF-8: send Content-Type: application/json")
}

// isJSON reports whether a content type is application/json or one of its
// derivatives (RFC 6839, section 3.1), in UTF-8.
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}
