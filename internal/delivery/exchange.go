package delivery

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"datapusher/internal/sender"
)

const (
	// replacement stands for bytes that are not UTF-8.
	replacement = "\uFFFD"
	// maxHeaders is how much is kept of a message's headers, in bytes.
	maxHeaders = 16 * 1024
)

// sentHeaders are the headers of a request as an attempt keeps them: JSON pairs
// of name and value. Own are the destination's, whose values are masked.
func sentHeaders(sent http.Header, own []sender.Header) []byte {
	secret := make(map[string]bool, len(own))
	for _, h := range own {
		secret[http.CanonicalHeaderKey(h.Name)] = true
	}
	return pairs(sent, func(name, value string) string {
		if secret[name] {
			return sender.Masked
		}
		return value
	})
}

// receivedHeaders are those of an answer, without what must not be kept: see hidden.
func receivedHeaders(h http.Header, secrets []string) []byte {
	return pairs(h, func(_, value string) string { return hideText(value, secrets) })
}

// pairs writes headers in a fixed order. Whatever a receiver put into them, it is
// JSON afterwards; what is too much of it is left out.
func pairs(h http.Header, kept func(name, value string) string) []byte {
	if len(h) == 0 {
		return nil
	}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	text, size := append(make([]byte, 0, 512), '['), 0
	for _, name := range names {
		for _, value := range h[name] {
			name, value := strings.ToValidUTF8(name, replacement), strings.ToValidUTF8(kept(name, value), replacement)
			if size += len(name) + len(value); size > maxHeaders {
				continue
			}
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = appendText(append(text, '['), name)
			text = append(appendText(append(text, ','), value), ']')
		}
	}
	return append(text, ']')
}

// appendText writes a string as JSON. Almost all of them are plain, which
// encoding/json finds out by a longer way.
func appendText(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // strings cannot fail
			return append(to, text...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}

// sanitize drops from a record what a database may have refused of an answer. An
// attempt that was made has to be recorded, or it would be made again.
func (r *record) sanitize() {
	r.result.Body, r.result.BodyTruncated = nil, r.result.BodyTruncated || len(r.result.Body) > 0
	r.requestHeaders, r.responseHeaders = nil, nil
	r.sanitized = true
}
