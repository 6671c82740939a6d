package sender

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Limits of a signing key for HMAC in bytes, after Standard Webhooks, and the
// prefix that its written form has.
const (
	MinKey       = 24
	MaxKey       = 64
	newKey       = 32
	secretPrefix = "whsec_"
)

// NewSecret makes a signing key for HMAC of 32 random bytes.
func NewSecret() []byte {
	key := make([]byte, newKey)
	_, _ = rand.Read(key) // never fails: the program ends where there is no randomness
	return key
}

// FormatSecret writes a signing key for HMAC the way receivers configure it:
// "whsec_" and base64.
func FormatSecret(key []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// ParseSecret reads what [FormatSecret] writes. Its error says what to do and
// does not repeat the secret.
func ParseSecret(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, fmt.Errorf("must begin with %s", secretPrefix)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // the decoder skips line breaks
		return nil, errors.New("must be base64 (the standard alphabet, padded) after whsec_")
	}
	if len(key) < MinKey || len(key) > MaxKey {
		return nil, fmt.Errorf("must hold %d to %d bytes, base64-encoded after whsec_", MinKey, MaxKey)
	}
	return key, nil
}
