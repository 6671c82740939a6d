// Package vault seals what a row keeps secret: a destination's headers and its
// signing keys, and the headers of an event that is a replay. Each blob is bound
// to its row, its account and its column, so that bytes copied to another place
// do not open.
package vault

import (
	"encoding/json"
	"fmt"
	"time"

	"datapusher/internal/sender"
)

// Box seals and opens bytes; aad are not secret but must be the same both
// times. It is *secret.Box.
type Box interface {
	Seal(plain []byte, aad ...string) ([]byte, error)
	Open(sealed []byte, aad ...string) ([]byte, error)
}

// SigningSecret is one key that a destination's deliveries are signed with.
type SigningSecret struct {
	Ed25519   bool // what kind of key it is: see sender.Key
	Key       []byte
	ExpiresAt *time.Time // nil: it is the current one and has no end
}

// Valid reports whether deliveries are signed with the secret at that time.
func (s SigningSecret) Valid(at time.Time) bool {
	return s.ExpiresAt == nil || at.Before(*s.ExpiresAt)
}

// SenderKey is the secret in the form that the sender signs with.
func (s SigningSecret) SenderKey() sender.Key {
	return sender.Key{Ed25519: s.Ed25519, Bytes: s.Key}
}

// Keys are those of secrets that are in force at that time, in their order.
func Keys(secrets []SigningSecret, at time.Time) []sender.Key {
	keys := make([]sender.Key, 0, len(secrets))
	for _, s := range secrets {
		if s.Valid(at) {
			keys = append(keys, s.SenderKey())
		}
	}
	return keys
}

// Column is one that holds blobs.
type Column struct{ Table, Name string }

// String is what the blobs of a column are bound to, beside the ids of row and
// account, so it never changes.
func (c Column) String() string { return c.Table + "." + c.Name }

// The columns that hold blobs.
var (
	headersColumn      = Column{"destinations", "headers"}
	secretsColumn      = Column{"destinations", "signing_secrets"}
	eventHeadersColumn = Column{"events", "headers"}
)

// Columns lists the columns that hold blobs. Each table has an id and an
// account_id, which the blobs are bound to.
func Columns() []Column { return []Column{headersColumn, secretsColumn, eventHeadersColumn} }

// Reseal opens a blob and seals what is in it with the box's primary key, for the
// same place. Nobody reads what is inside: blobs of newer programs stay what they
// are.
func Reseal(box Box, c Column, rowID, accountID string, sealed []byte) ([]byte, error) {
	plain, err := box.Open(sealed, c.String(), rowID, accountID)
	if err != nil {
		return nil, fmt.Errorf("open %s of %s: %w", c, rowID, err)
	}
	defer clear(plain)
	return box.Seal(plain, c.String(), rowID, accountID)
}

// version of the JSON inside. A reader refuses what it does not know.
const version = 1

type headersBlob struct {
	Version int         `json:"v"`
	Headers [][2]string `json:"h"` // name and value, in the owner's order
}

type secretsBlob struct {
	Version int          `json:"v"`
	Secrets []secretBlob `json:"s"` // newest first
}

type secretBlob struct {
	Key     []byte `json:"k"`            // base64
	Expires *int64 `json:"e,omitempty"`  // Unix microseconds
	Ed25519 bool   `json:"ed,omitempty"` // HMAC where it is missing, as in all blobs of before
}

// SealHeaders seals a destination's headers; none are no bytes at all.
func SealHeaders(box Box, destinationID, accountID string, headers []sender.Header) ([]byte, error) {
	return sealHeaders(box, headersColumn, destinationID, accountID, headers)
}

// OpenHeaders opens what [SealHeaders] sealed for the same destination.
func OpenHeaders(box Box, destinationID, accountID string, sealed []byte) ([]sender.Header, error) {
	return openHeaders(box, headersColumn, destinationID, accountID, sealed)
}

// SealEventHeaders seals the headers of an event; none are no bytes at all.
func SealEventHeaders(box Box, eventID, accountID string, headers []sender.Header) ([]byte, error) {
	return sealHeaders(box, eventHeadersColumn, eventID, accountID, headers)
}

// OpenEventHeaders opens what [SealEventHeaders] sealed for the same event.
func OpenEventHeaders(box Box, eventID, accountID string, sealed []byte) ([]sender.Header, error) {
	return openHeaders(box, eventHeadersColumn, eventID, accountID, sealed)
}

func sealHeaders(box Box, column Column, rowID, accountID string, headers []sender.Header) ([]byte, error) {
	if len(headers) == 0 {
		return nil, nil
	}
	blob := headersBlob{Version: version, Headers: make([][2]string, len(headers))}
	for i, h := range headers {
		blob.Headers[i] = [2]string{h.Name, h.Value}
	}
	return seal(box, blob, column, rowID, accountID)
}

func openHeaders(box Box, column Column, rowID, accountID string, sealed []byte) ([]sender.Header, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	var blob headersBlob
	if err := open(box, sealed, &blob, column, rowID, accountID); err != nil {
		return nil, err
	}
	if blob.Version != version {
		return nil, fmt.Errorf("the headers of %s are of version %d: written by a newer program", rowID, blob.Version)
	}
	headers := make([]sender.Header, len(blob.Headers))
	for i, h := range blob.Headers {
		headers[i] = sender.Header{Name: h[0], Value: h[1]}
	}
	return headers, nil
}

// SealSecrets seals signing secrets, newest first.
func SealSecrets(box Box, destinationID, accountID string, secrets []SigningSecret) ([]byte, error) {
	blob := secretsBlob{Version: version, Secrets: make([]secretBlob, len(secrets))}
	for i, s := range secrets {
		blob.Secrets[i].Key, blob.Secrets[i].Ed25519 = s.Key, s.Ed25519
		if s.ExpiresAt != nil {
			us := s.ExpiresAt.UnixMicro()
			blob.Secrets[i].Expires = &us
		}
	}
	return seal(box, blob, secretsColumn, destinationID, accountID)
}

// OpenSecrets opens what [SealSecrets] sealed for the same destination. Those
// that have expired are among them: see [SigningSecret.Valid].
func OpenSecrets(box Box, destinationID, accountID string, sealed []byte) ([]SigningSecret, error) {
	var blob secretsBlob
	if err := open(box, sealed, &blob, secretsColumn, destinationID, accountID); err != nil {
		return nil, err
	}
	if blob.Version != version {
		return nil, fmt.Errorf("the signing secrets of %s are of version %d: written by a newer program", destinationID, blob.Version)
	}
	secrets := make([]SigningSecret, len(blob.Secrets))
	for i, s := range blob.Secrets {
		secrets[i].Key, secrets[i].Ed25519 = s.Key, s.Ed25519
		if s.Expires != nil {
			at := time.UnixMicro(*s.Expires).UTC()
			secrets[i].ExpiresAt = &at
		}
	}
	return secrets, nil
}

func seal(box Box, blob any, column Column, rowID, accountID string) ([]byte, error) {
	plain, err := json.Marshal(blob)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return box.Seal(plain, column.String(), rowID, accountID)
}

// open never lets the content into an error, and leaves no copy of it behind but
// the blob.
func open(box Box, sealed []byte, blob any, column Column, rowID, accountID string) error {
	plain, err := box.Open(sealed, column.String(), rowID, accountID)
	if err != nil {
		return fmt.Errorf("open %s of %s: %w", column, rowID, err)
	}
	defer clear(plain)
	if json.Unmarshal(plain, blob) != nil {
		return fmt.Errorf("open %s of %s: what was sealed is not what this program writes", column, rowID)
	}
	return nil
}
