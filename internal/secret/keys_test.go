package secret_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"datapusher/internal/secret"
)

func TestNewKeysAreOneLineAndDiffer(t *testing.T) {
	t.Parallel()
	a, err := secret.NewKeys()
	require.NoError(t, err)
	b, err := secret.NewKeys()
	require.NoError(t, err)
	require.NotEqual(t, a, b)
	require.Regexp(t, `^[A-Za-z0-9+/]+=*$`, a)

	json, err := base64.StdEncoding.DecodeString(a)
	require.NoError(t, err)
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(json)))
	require.NoError(t, err, "Tink's own tools can read it")
	require.Equal(t, 1, handle.Len())

	_, err = secret.Open(" " + a + "\n")
	require.NoError(t, err, "as read from a file")
}

// text is the text form of a keyset that Tink makes.
func text(t *testing.T, change func(*keyset.Manager, uint32), template *tinkpb.KeyTemplate) string {
	t.Helper()
	m := keyset.NewManager()
	id, err := m.Add(template)
	require.NoError(t, err)
	require.NoError(t, m.SetPrimary(id))
	if change != nil {
		change(m, id)
	}
	handle, err := m.Handle()
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)))
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	good, err := secret.NewKeys()
	require.NoError(t, err)
	json, err := base64.StdEncoding.DecodeString(good)
	require.NoError(t, err)
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":             {"", secret.ErrNoKeys},
		"blank":             {" \n", secret.ErrNoKeys},
		"a password":        {"correct horse battery staple", secret.ErrBadKeys},
		"cut":               {good[:len(good)/2], secret.ErrBadKeys},
		"the JSON itself":   {string(json), secret.ErrBadKeys},
		"cut JSON":          {encode(string(json[:len(json)/2])), secret.ErrBadKeys},
		"a damaged key":     {encode(strings.Replace(string(json), `"value":"`, `"value":"!`, 1)), secret.ErrBadKeys},
		"no keys":           {encode(`{"primaryKeyId":1,"key":[]}`), secret.ErrBadKeys},
		"no primary":        {encode(strings.Replace(string(json), `"primaryKeyId":`, `"primaryKeyId":1`, 1)), secret.ErrBadKeys},
		"no prefix":         {text(t, nil, aead.AES256GCMNoPrefixKeyTemplate()), secret.ErrBadKeys},
		"a shorter key":     {text(t, nil, aead.AES128GCMKeyTemplate()), secret.ErrBadKeys},
		"another algorithm": {text(t, nil, aead.ChaCha20Poly1305KeyTemplate()), secret.ErrBadKeys},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, use := range []func(string) error{
				func(s string) error { _, err := secret.Open(s); return err },
				func(s string) error { _, _, err := secret.AddKey(s); return err },
				func(s string) error { _, err := secret.Promote(s, 1); return err },
				func(s string) error { _, err := secret.RemoveKey(s, 1); return err },
				func(s string) error { _, err := secret.Keys(s); return err },
			} {
				err := use(c.text)
				require.ErrorIs(t, err, c.want)
				require.ErrorContains(t, err, "--encryption-keys")
				noPartOf(t, c.text, err)
			}
		})
	}
}

// noPartOf fails when the error repeats eight characters of the text in a row,
// decoded or not.
func noPartOf(t *testing.T, text string, err error) {
	t.Helper()
	decoded, _ := base64.StdEncoding.DecodeString(text)
	for _, s := range []string{text, string(decoded)} {
		for i := 0; i+8 <= len(s); i++ {
			require.NotContains(t, err.Error(), s[i:i+8])
		}
	}
}

func TestKeysComeAndGoInSteps(t *testing.T) {
	t.Parallel()
	one, err := secret.NewKeys()
	require.NoError(t, err)
	listed, err := secret.Keys(one)
	require.NoError(t, err)
	first := listed[0].ID
	require.Equal(t, []secret.Key{{ID: first, Primary: true, Enabled: true}}, listed)

	two, second, err := secret.AddKey(one)
	require.NoError(t, err)
	promoted, err := secret.Promote(two, second)
	require.NoError(t, err)
	without, err := secret.RemoveKey(promoted, first)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		keys string
		want []secret.Key
	}{
		"given":    {one, []secret.Key{{first, true, true}}},
		"added":    {two, []secret.Key{{first, true, true}, {second, false, true}}},
		"promoted": {promoted, []secret.Key{{first, false, true}, {second, true, true}}},
		"removed":  {without, []secret.Key{{second, true, true}}},
	} {
		listed, err := secret.Keys(c.keys)
		require.NoError(t, err, name)
		require.Equal(t, c.want, listed, name)
	}
	for name, c := range map[string]struct {
		change func(string, uint32) (string, error)
		keys   string
		id     uint32
		want   error
	}{
		"promote what is not there": {secret.Promote, one, second, secret.ErrNoSuchKey},
		"remove what is not there":  {secret.RemoveKey, without, first, secret.ErrNoSuchKey},
		"remove the primary":        {secret.RemoveKey, promoted, second, secret.ErrPrimaryKey},
		"remove the only key":       {secret.RemoveKey, one, first, secret.ErrPrimaryKey},
	} {
		_, err := c.change(c.keys, c.id)
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestADisabledKeyOpensNothing(t *testing.T) {
	t.Parallel()
	var sealed []byte
	var err error
	keys := text(t, func(m *keyset.Manager, first uint32) {
		handle, err := m.Handle()
		require.NoError(t, err)
		primitive, err := aead.New(handle)
		require.NoError(t, err)
		sealed, err = primitive.Encrypt([]byte("secret"), nil)
		require.NoError(t, err)
		second, err := m.Add(aead.AES256GCMKeyTemplate())
		require.NoError(t, err)
		require.NoError(t, m.SetPrimary(second))
		require.NoError(t, m.Disable(first))
	}, aead.AES256GCMKeyTemplate())
	box, err := secret.Open(keys)
	require.NoError(t, err)
	_, err = box.Open(sealed, place...)
	require.ErrorIs(t, err, secret.ErrUnknownKey)
}

// FuzzOpen feeds what somebody may put into --encryption-keys.
func FuzzOpen(f *testing.F) {
	good, err := secret.NewKeys()
	require.NoError(f, err)
	json, err := base64.StdEncoding.DecodeString(good)
	require.NoError(f, err)
	f.Add("")
	f.Add(good)
	f.Add(good[:40])
	f.Add(string(json))
	f.Add(base64.StdEncoding.EncodeToString([]byte(`{"primaryKeyId":1,"key":[{}]}`)))
	f.Fuzz(func(t *testing.T, s string) {
		for _, text := range []string{s, base64.StdEncoding.EncodeToString([]byte(s))} {
			box, err := secret.Open(text)
			if err != nil {
				require.Contains(t, err.Error(), "--encryption-keys")
				continue
			}
			_, err = box.Seal([]byte("secret"), place...)
			require.NoError(t, err)
		}
	})
}
