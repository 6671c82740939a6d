package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// What a text of keys can be refused for. None of these errors, nor any that
// wraps them, repeats a part of the text.
var (
	ErrNoKeys  = errors.New("no encryption keys are given: set --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) to the keyset that the stored secrets were sealed with")
	ErrBadKeys = errors.New("the encryption keys cannot be used: set --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) to the keyset exactly as it was generated, one line of base64")
)

// NewKeys generates a keyset with one key and returns its text form: one line,
// base64 of Tink's JSON form of a keyset. The text is the secret of all secrets.
func NewKeys() (string, error) {
	return addKey(keyset.NewManager())
}

// AddKey returns the keyset with one more key, which becomes the primary: what
// is sealed from then on is sealed with it, and what was sealed before can still
// be opened.
func AddKey(text string) (string, error) {
	handle, err := parse(text)
	if err != nil {
		return "", err
	}
	return addKey(keyset.NewManagerFromHandle(handle))
}

func addKey(m *keyset.Manager) (string, error) {
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("generate an encryption key: %w", err)
	}
	if err := m.SetPrimary(id); err != nil {
		return "", fmt.Errorf("make the new encryption key the primary: %w", err)
	}
	handle, err := m.Handle()
	if err != nil {
		return "", fmt.Errorf("close the keyset: %w", err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return "", fmt.Errorf("write the keyset: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// parse reads the text form. The causes of its errors are left out on purpose:
// those of the JSON reader quote their input.
func parse(text string) (*keyset.Handle, error) {
	text = strings.TrimSpace(text) // a file ends with a newline
	if text == "" {
		return nil, ErrNoKeys
	}
	json, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w (this is no base64, or a part is missing)", ErrBadKeys)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(json)))
	if err != nil {
		return nil, fmt.Errorf("%w (this is no keyset)", ErrBadKeys)
	}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("%w (a key of it cannot be read)", ErrBadKeys)
		}
		// Without the id that Tink's variant puts in front of what is sealed, nobody
		// could tell which key opens it.
		p, ok := entry.Key().Parameters().(*aesgcm.Parameters)
		if !ok || p.KeySizeInBytes() != 32 || p.Variant() != aesgcm.VariantTink {
			return nil, fmt.Errorf("%w (a key of it is not AES256-GCM with Tink's prefix)", ErrBadKeys)
		}
	}
	return handle, nil
}
