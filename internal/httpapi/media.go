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
func checkMedia(h http.Header) error { return checkMediaOf(h, isJSON, "application/json") }

// checkBatchMedia is checkMedia where lines of JSON are taken as well.
func checkBatchMedia(h http.Header) (inLines bool, err error) {
	known := func(contentType string) bool { return isJSON(contentType) || isNDJSON(contentType) }
	err = checkMediaOf(h, known, "application/json or application/x-ndjson")
	return err == nil && isNDJSON(h.Get("Content-Type")), err
}

func checkMediaOf(h http.Header, known func(contentType string) bool, names string) error {
	for _, coding := range h.Values("Content-Encoding") {
		if !strings.EqualFold(coding, "identity") {
			return problem.New(problem.UnsupportedMedia, "the body must not be compressed: leave Content-Encoding out")
		}
	}
	switch types := h.Values("Content-Type"); {
	case len(types) == 0, len(types) == 1 && known(types[0]):
		return nil
	}
	return problem.New(problem.UnsupportedMedia, "the body must be JSON in UTF-8: send Content-Type: %s", names)
}

// isJSON reports whether a content type is application/json or one of its
// derivatives (RFC 6839, section 3.1), in UTF-8.
func isJSON(contentType string) bool {
	return contentType == "application/json" ||
		isText(contentType, func(media string) bool { return media == "application/json" || strings.HasSuffix(media, "+json") })
}

// isNDJSON knows the name that is in use and the one without the x.
func isNDJSON(contentType string) bool {
	return isText(contentType, func(media string) bool { return media == "application/x-ndjson" || media == "application/ndjson" })
}

// isText reports whether a content type is of those media, in UTF-8.
func isText(contentType string, of func(media string) bool) bool {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || !of(media) {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}
