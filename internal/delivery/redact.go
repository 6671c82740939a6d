package delivery

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

const (
	// minSecret is the shortest value that is looked for in an answer: shorter ones
	// would be found in texts that have nothing to do with them.
	minSecret = 8
	// minPart is how much of a secret may stand at the end of a body that was cut.
	minPart = 4
)

// plain headers are no credentials, and what is in them is likely to be in an
// answer by itself.
var plainHeaders = []string{"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Type", "User-Agent"}

// hidden are what must not be kept of an answer, longest first: the values of
// headers, and keys for HMAC, in the forms in which a receiver may give them back. A
// receiver that echoes requests, as test endpoints and error pages do, would have
// them stored in clear, and shown to whoever may read attempts.
//
// What a receiver does not give back as it got it (compressed, encrypted, cut into
// pieces) is not found. It may do with its secrets what it likes.
func hidden(headers []sender.Header, keys []vault.SigningSecret) []string {
	var all []string
	for _, h := range headers {
		if slices.Contains(plainHeaders, textproto.CanonicalMIMEHeaderKey(h.Name)) {
			continue
		}
		all = append(all, forms(strings.TrimSpace(h.Value))...)
		for word := range strings.FieldsSeq(h.Value) { // the token without its "Bearer"
			all = append(all, forms(word)...)
		}
	}
	for _, k := range keys {
		if !k.Ed25519 { // whose receiver knows the public key alone
			all = append(all, base64.StdEncoding.EncodeToString(k.Key), string(k.Key))
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(all)
}

// forms of a value: as it is, inside of JSON, with and without the escapes that are
// for HTML, and inside of a query string.
func forms(value string) []string {
	text, _ := json.Marshal(value) // strings cannot fail
	return []string{
		value, string(text[1 : len(text)-1]),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value), url.QueryEscape(value),
	}
}

// hide masks in a body what must not be kept.
func hide(body []byte, truncated bool, secrets []string) []byte {
	for _, s := range secrets {
		if b := []byte(s); bytes.Contains(body, b) {
			body = bytes.ReplaceAll(body, b, []byte(sender.Masked))
		}
	}
	if !truncated {
		return body
	}
	for _, s := range secrets {
		for n := min(len(s)-1, len(body)); n >= minPart; n-- {
			if bytes.HasSuffix(body, []byte(s[:n])) {
				return append(body[:len(body)-n:len(body)-n], sender.Masked...)
			}
		}
	}
	return body
}

// hideText does so in the value of a header.
func hideText(value string, secrets []string) string {
	for _, s := range secrets {
		if strings.Contains(value, s) {
			value = strings.ReplaceAll(value, s, sender.Masked)
		}
	}
	return value
}

// redact masks in an answer what must not be kept of it.
func redact(r *sender.Result, secrets []string) {
	if len(secrets) == 0 || len(r.Body) == 0 {
		return
	}
	r.Body = hide(r.Body, r.BodyTruncated, secrets)
	if len(r.Body) > sender.MaxBody { // the mask may be longer
		r.Body, r.BodyTruncated = r.Body[:sender.MaxBody], true
	}
}
