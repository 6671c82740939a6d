package sender

import (
	"crypto/ed25519"
	"encoding/base64"
)

// publicPrefix is what the written form of an Ed25519 public key begins with.
const publicPrefix = "whpk_"

// Key is what deliveries are signed with: a key for HMAC-SHA256, which the
// receiver has as well, or one for Ed25519, which never leaves this program.
type Key struct {
	Ed25519 bool
	Bytes   []byte // MinKey to MaxKey bytes for HMAC; the seed of 32 bytes for Ed25519
}

// NewKey makes a key of 32 random bytes, which is the length of a seed too.
func NewKey(ed25519 bool) Key { return Key{Ed25519: ed25519, Bytes: NewSecret()} }

// Public writes what a receiver verifies with: "whpk_" and the public key for
// Ed25519; for HMAC the key itself, as [FormatSecret] does, so that only this
// one is a secret. It is "" where nothing can be signed with the key.
func (k Key) Public() string {
	switch {
	case !k.valid():
		return ""
	case !k.Ed25519:
		return FormatSecret(k.Bytes)
	}
	private := ed25519.NewKeyFromSeed(k.Bytes)
	return publicPrefix + base64.StdEncoding.EncodeToString(private[ed25519.SeedSize:])
}

// valid reports whether the key has a length that its kind allows.
func (k Key) valid() bool {
	if k.Ed25519 {
		return len(k.Bytes) == ed25519.SeedSize
	}
	return len(k.Bytes) >= MinKey && len(k.Bytes) <= MaxKey
}
