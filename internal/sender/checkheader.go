package sender

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"datapusher/internal/problem"
)

// Limits of a destination's headers.
const (
	MaxHeaders     = 50       // how many
	MaxHeaderBytes = 8 * 1024 // bytes of all names and values together
)

// Methods are the HTTP methods that a destination may have.
var Methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// CheckMethod says what is wrong with a destination's HTTP method. Methods are
// case-sensitive (RFC 9110, section 9.1).
func CheckMethod(method string) error {
	if !slices.Contains(Methods, method) {
		return fmt.Errorf("must be one of %s", strings.Join(Methods, ", "))
	}
	return nil
}

// CheckHeaders says what is wrong with a destination's headers: nil, or a field
// for each broken rule, named "headers[2].name" and the like.
//
// Accept-Encoding is allowed: nothing here ever decompresses an answer.
func CheckHeaders(headers []Header) problem.Fields {
	var broken problem.Fields
	if len(headers) > MaxHeaders {
		broken.Add("headers", "must be at most %d", MaxHeaders)
		return broken
	}
	total := 0
	for i, h := range headers {
		total += len(h.Name) + len(h.Value)
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name):
			broken.Add(fmt.Sprintf("headers[%d].name", i),
				"must be letters, digits and hyphens, such as X-Api-Key")
		case isReserved(h.Name):
			broken.Add(fmt.Sprintf("headers[%d].name", i), "is reserved: leave %s out", h.Name)
		case isRepeated(headers[:i], h.Name):
			broken.Add(fmt.Sprintf("headers[%d].name", i), "is there twice: give %s once", h.Name)
		}
		if !httpguts.ValidHeaderFieldValue(h.Value) {
			broken.Add(fmt.Sprintf("headers[%d].value", i), "must not contain line breaks or control characters")
		}
	}
	if total > MaxHeaderBytes {
		broken.Add("headers", "must have at most %d bytes together, names and values", MaxHeaderBytes)
	}
	return broken
}

// reserved belong to the connection or to the framing of the message, which
// only the sender may decide, or make a receiver wait for more than it gets.
var reserved = []string{
	"Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", // hop by hop
	"Host", "Content-Length", "Expect",
}

// reservedPrefixes belong to proxies and to the signature.
var reservedPrefixes = []string{"Proxy-", "Webhook-"}

func isReserved(name string) bool {
	for _, r := range reserved {
		if strings.EqualFold(name, r) {
			return true
		}
	}
	for _, p := range reservedPrefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return true
		}
	}
	return false
}

func isRepeated(before []Header, name string) bool {
	for _, h := range before {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}
