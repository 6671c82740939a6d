package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"strings"
)

const (
	// The marks begin every secret that is made here, so that scanners for leaked
	// secrets can find it.
	tokenMark   = "dpt_"
	sessionMark = "dps_"
	linkMark    = "dpl_"
	// random letters and digits hold 256 random bits: 62^43 > 2^256.
	random  = 43
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

	// What a token is shown and looked up by. More than 190 random bits stay behind it.
	ownPrefix   = 12
	otherPrefix = 8

	// maxSecret is longer than every secret, ours or imported.
	maxSecret = 128
)

// TokenHeader is the header in which the seed's clients send their secret token.
const TokenHeader = "CL-X-TOKEN" //nolint:gosec // G101: a name, no secret

// NewSecretToken makes the secret of a token: "dpt_" and 43 letters and digits.
func NewSecretToken() (secret string) { return newSecret(tokenMark) }

// NewSessionSecret makes the secret of a session: "dps_" and 43 letters and digits.
func NewSessionSecret() (secret string) { return newSecret(sessionMark) }

// NewPortalLinkSecret makes the secret of a portal link: "dpl_" and 43 letters and digits.
func NewPortalLinkSecret() (secret string) { return newSecret(linkMark) }

func newSecret(mark string) string {
	// The highest multiple of 62 in a byte: what is above would favour some letters.
	const fair = 256 / len(letters) * len(letters)
	out := append(make([]byte, 0, len(mark)+random), mark...)
	var b [64]byte
	for len(out) < cap(out) {
		_, _ = rand.Read(b[:]) // never fails: the program ends where there is no randomness
		for _, c := range b {
			if int(c) < fair && len(out) < cap(out) {
				out = append(out, letters[int(c)%len(letters)])
			}
		}
	}
	return string(out)
}

// HashOf is what is stored of a secret. It has 256 random bits (an imported one
// 190), so that a slow hash would add nothing.
func HashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// PrefixOf is what a secret is looked up by: 12 characters of our own, 8 of an
// imported one.
func PrefixOf(secret string) string {
	n := otherPrefix
	if strings.HasPrefix(secret, tokenMark) {
		n = ownPrefix
	}
	return secret[:min(n, len(secret))]
}

// FromHeader finds the credential of a request: "Authorization: Bearer <secret>"
// (RFC 6750; the scheme in any case), otherwise CL-X-TOKEN.
func FromHeader(h http.Header) (secret string, ok bool) {
	scheme, rest, _ := strings.Cut(h.Get("Authorization"), " ")
	if rest = strings.TrimLeft(rest, " "); strings.EqualFold(scheme, "Bearer") && rest != "" {
		return rest, true
	}
	secret = h.Get(TokenHeader)
	return secret, secret != ""
}

// wellFormed keeps out of the database what cannot be a secret, a NUL above all:
// Postgres would answer with an error of its own.
func wellFormed(secret string) bool {
	if len(secret) < otherPrefix || len(secret) > maxSecret {
		return false
	}
	for _, c := range []byte(secret) {
		if c != '_' && strings.IndexByte(letters, c) < 0 {
			return false
		}
	}
	return true
}
