// Package secret seals what the database must not tell in clear (signing
// secrets, values of headers) with AES256-GCM under a keyset that lives outside
// of the database. The library is Tink, so the formats are Tink's too:
// https://developers.google.com/tink/wire-format.
//
// A sealed value is bound to its place: it can be opened only with the same
// associated data (table, row, account, field), so nobody who can write to the
// database can move a secret to another row and have it used there.
package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Overhead is how many bytes longer a sealed value is than the plain one: the
// version and key id in front of it (5), a random nonce (12) and the tag (16).
const Overhead = prefixSize + 12 + 16

const (
	prefixSize    = 1 + 4
	prefixVersion = 1
)

// What a sealed value can be refused for.
var (
	ErrUnknownKey = errors.New("the value was sealed with an encryption key that --encryption-keys lacks: add the old keyset's keys")
	ErrForged     = errors.New("the sealed value was changed, or belongs to another place")
)

// Box seals and opens values. It is safe for use by any number of goroutines and
// shows its keys in no way of printing it.
type Box struct {
	aead    tink.AEAD
	primary uint32
	ids     []uint32 // of the enabled keys, which are the ones that open
}

// Open reads the text form of a keyset, see [NewKeys]. Its errors are
// [ErrNoKeys] and [ErrBadKeys].
func Open(text string) (*Box, error) {
	handle, err := parse(text)
	if err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("%w (it has no usable key)", ErrBadKeys)
	}
	b := &Box{aead: primitive}
	for _, key := range keysOf(handle) {
		if key.Primary {
			b.primary = key.ID
		}
		if key.Enabled {
			b.ids = append(b.ids, key.ID)
		}
	}
	return b, nil
}

// Seal encrypts a value for the place that the associated data names: table, row
// id, account id, field. The same value sealed twice gives different bytes.
//
// A key is good for 2³² values: nonces are random. That is far beyond what
// accounts and destinations write; see [AddKey].
func (b Box) Seal(plain []byte, aad ...string) ([]byte, error) {
	if len(aad) == 0 {
		return nil, errors.New("a value is sealed for a place: name its table, row, account and field")
	}
	sealed, err := b.aead.Encrypt(plain, encode(aad))
	if err != nil {
		return nil, fmt.Errorf("seal a value: %w", err)
	}
	return sealed, nil
}

// Open decrypts what [Box.Seal] returned for the same associated data. Its
// errors are [ErrUnknownKey] and [ErrForged].
func (b Box) Open(sealed []byte, aad ...string) ([]byte, error) {
	id, ok := KeyIDOf(sealed)
	if !ok {
		return nil, ErrForged
	}
	if !b.Opens(id) {
		return nil, fmt.Errorf("%w (key id %d)", ErrUnknownKey, id)
	}
	plain, err := b.aead.Decrypt(sealed, encode(aad))
	if err != nil {
		return nil, ErrForged
	}
	return plain, nil
}

// KeyID names the primary key, the one that seals. What carries another id (see
// [KeyIDOf]) waits for being sealed again, before its key can be retired.
func (b Box) KeyID() uint32 { return b.primary }

// Opens reports whether the keyset has the key with that id.
func (b Box) Opens(id uint32) bool { return slices.Contains(b.ids, id) }

// Prefix is what everything begins with that was sealed with a key, in clear: it
// lets SQL tell what was sealed with which.
func Prefix(id uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefixVersion}, id)
}

// KeyIDOf names the key that a value was sealed with; ok is false for what is no
// sealed value.
func KeyIDOf(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < Overhead || sealed[0] != prefixVersion {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:prefixSize]), true
}

// encode joins the parts, each after its length, so that no two lists of parts
// give the same bytes.
func encode(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}

const redacted = "secret.Box(redacted)"

// String hides the keys.
func (Box) String() string { return redacted }

// GoString hides the keys.
func (Box) GoString() string { return redacted }

// LogValue hides the keys from slog.
func (Box) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format hides the keys from every verb of fmt, %d too.
func (Box) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }
