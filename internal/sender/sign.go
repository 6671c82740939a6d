package sender

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// canSign reports whether there is a key and none is weak: what is not signed, or
// signed with a key that can be guessed, anybody could have sent.
func canSign(keys []Key) bool {
	return len(keys) > 0 && !slices.ContainsFunc(keys, func(k Key) bool { return !k.valid() })
}

// sign gives the value of webhook-signature: a signature of
// "id.timestamp.content" for each key, separated by spaces, so that a receiver
// finds the key it knows while keys are being rotated. "v1," is HMAC-SHA256 and
// "v1a," Ed25519; receivers pass over the kind they do not know.
func sign(keys []Key, id, timestamp string, content []byte) string {
	prefix := make([]byte, 0, 64)
	prefix = append(prefix, id...)
	prefix = append(prefix, '.')
	prefix = append(prefix, timestamp...)
	prefix = append(prefix, '.')

	var sum [sha256.Size]byte
	var whole []byte              // the signed bytes in one piece, which Ed25519 alone needs
	out := make([]byte, 0, 5*100) // for five keys; a fixed size stays on the stack
	for i, key := range keys {
		if i > 0 {
			out = append(out, ' ')
		}
		if key.Ed25519 {
			if whole == nil {
				whole = slices.Concat(prefix, content)
			}
			out = append(out, "v1a,"...)
			out = base64.StdEncoding.AppendEncode(out, ed25519.Sign(ed25519.NewKeyFromSeed(key.Bytes), whole))
			continue
		}
		mac := hmac.New(sha256.New, key.Bytes)
		mac.Write(prefix)
		mac.Write(content)
		out = append(out, "v1,"...)
		out = base64.StdEncoding.AppendEncode(out, mac.Sum(sum[:0]))
	}
	return string(out)
}
