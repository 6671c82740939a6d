package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// What a text of keys can be refused for. None of these errors, nor any that
// wraps them, repeats a part of the text.
var (
	ErrNoKeys  = errors.New("no encryption keys are given: set --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) to the keyset that the stored secrets were sealed with")
	ErrBadKeys = errors.New("the encryption keys cannot be used: set --encryption-keys (DATAPUSHER_ENCRYPTION_KEYS) to the keyset exactly as it was generated, one line of base64")
)

// A keyset has one key that seals, its primary, and any number that open alone.
// What is sealed names its key, so keys come and go in steps, between which every
// process gets to know the new keyset: [AddKey], then [Promote], then, when nothing
// is sealed with the old key any more, [RemoveKey]. In one step, a process that has
// the new keyset would seal what those that have the old one cannot open.

// Key is one key of a keyset, without what is secret of it.
type Key struct {
	ID      uint32
	Primary bool // it seals
	Enabled bool // it opens; this program never disables one
}

// What a change of a keyset can be refused for.
var (
	ErrNoSuchKey  = errors.New("the keyset has no such key")
	ErrPrimaryKey = errors.New("this key is the primary: promote another one first")
)

// NewKeys generates a keyset with one key and returns its text form: one line,
// base64 of Tink's JSON form of a keyset. The text is the secret of all secrets.
func NewKeys() (string, error) {
	m := keyset.NewManager()
	id, err := addKey(m)
	if err != nil {
		return "", err
	}
	if err := m.SetPrimary(id); err != nil {
		return "", fmt.Errorf("make the encryption key the primary: %w", err)
	}
	return write(m)
}

// AddKey returns the keyset with one more key, and the key's id. It opens alone;
// the primary stays what it was, see [Promote].
func AddKey(text string) (keys string, id uint32, err error) {
	m, err := manager(text)
	if err != nil {
		return "", 0, err
	}
	if id, err = addKey(m); err != nil {
		return "", 0, err
	}
	keys, err = write(m)
	return keys, id, err
}

// Promote returns the keyset with another primary: what is sealed from then on is
// sealed with that key, and what was sealed before can still be opened. It fails
// with [ErrNoSuchKey] where the keyset lacks the key.
func Promote(text string, id uint32) (string, error) {
	m, err := change(text, id)
	if err != nil {
		return "", err
	}
	if err := m.SetPrimary(id); err != nil {
		return "", fmt.Errorf("make key %d the primary: %w", id, err)
	}
	return write(m)
}

// RemoveKey returns the keyset without a key: what was sealed with it can never
// be opened again, so the caller makes sure that there is nothing. It fails with
// [ErrNoSuchKey] and [ErrPrimaryKey].
func RemoveKey(text string, id uint32) (string, error) {
	m, err := change(text, id)
	if err != nil {
		return "", err
	}
	if box, err := Open(text); err != nil {
		return "", err
	} else if box.KeyID() == id {
		return "", fmt.Errorf("%w (key %d)", ErrPrimaryKey, id)
	}
	if err := m.Delete(id); err != nil {
		return "", fmt.Errorf("remove key %d: %w", id, err)
	}
	return write(m)
}

// Keys lists the keys of a keyset, in their order.
func Keys(text string) ([]Key, error) {
	handle, err := parse(text)
	if err != nil {
		return nil, err
	}
	return keysOf(handle), nil
}

func keysOf(handle *keyset.Handle) []Key {
	info := handle.KeysetInfo()
	keys := make([]Key, 0, len(info.GetKeyInfo()))
	for _, k := range info.GetKeyInfo() {
		keys = append(keys, Key{
			ID: k.GetKeyId(), Primary: k.GetKeyId() == info.GetPrimaryKeyId(),
			Enabled: k.GetStatus() == tinkpb.KeyStatusType_ENABLED,
		})
	}
	return keys
}

func manager(text string) (*keyset.Manager, error) {
	handle, err := parse(text)
	if err != nil {
		return nil, err
	}
	return keyset.NewManagerFromHandle(handle), nil
}

// change begins a change of a key that the keyset has.
func change(text string, id uint32) (*keyset.Manager, error) {
	keys, err := Keys(text)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(keys, func(k Key) bool { return k.ID == id }) {
		return nil, fmt.Errorf("%w (key %d): `keys list` shows those that it has", ErrNoSuchKey, id)
	}
	return manager(text)
}

func addKey(m *keyset.Manager) (uint32, error) {
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, fmt.Errorf("generate an encryption key: %w", err)
	}
	return id, nil
}

func write(m *keyset.Manager) (string, error) {
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
