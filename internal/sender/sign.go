package sender

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// canSign reports whether there is a key and none is weak: what is not signed, or
// signed with a key that can be guessed, anybody could have sent.
func canSign(keys [][]byte) bool {
	return len(keys) > 0 && !slices.ContainsFunc(keys, func(k []byte) bool { return len(k) < MinKey })
}

// sign gives the value of webhook-signature: "v1," and the HMAC-SHA256 of
// "id.timestamp.content" for each key, separated by spaces, so that a receiver
// finds the key it knows while keys are being rotated.
func sign(keys [][]byte, id, timestamp string, content []byte) string {
	prefix := make([]byte, 0, 64)
	prefix = append(prefix, id...)
	prefix = append(prefix, '.')
	prefix = append(prefix, timestamp...)
	prefix = append(prefix, '.')

	var sum [sha256.Size]byte
	out := make([]byte, 0, len(keys)*(len(" v1,")+base64.StdEncoding.EncodedLen(len(sum))))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(prefix)
		mac.Write(content)
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, "v1,"...)
		out = base64.StdEncoding.AppendEncode(out, mac.Sum(sum[:0]))
	}
	return string(out)
}
