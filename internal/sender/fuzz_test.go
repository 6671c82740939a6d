package sender_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// encoding/json is the judge of what the members mean, where the event is UTF-8.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`{"a":1.00,"b":"x"}`, ` { "a" : [ 1 , "]" ] , "a":{"}":"\""} } `, `"\ud83d\ude00\ud83d"`, `[]`, `{}`, `-0`, `1E700`, "{\"\xff\":\"\\n\xfe\"}", `{"a":`,
	} {
		f.Add([]byte(seed))
	}
	s := newSender(f)
	f.Fuzz(func(t *testing.T, event []byte) {
		m, class := s.Build(get("https://example.com/", string(event)))
		require.Equal(t, !json.Valid(event), class == sender.InvalidRequest)
		if class != "" || !utf8.Valid(event) {
			return
		}
		want := map[string]string{}
		var members map[string]json.RawMessage
		if json.Unmarshal(event, &members) != nil || members == nil {
			var alone json.RawMessage
			require.NoError(t, json.Unmarshal(event, &alone))
			members = map[string]json.RawMessage{"data": alone}
		}
		for name, raw := range members {
			want[name] = string(raw)
			if raw[0] == '"' {
				var text string
				require.NoError(t, json.Unmarshal(raw, &text))
				want[name] = text
			}
		}
		got := map[string]string{} // of repeated names the last one, as in encoding/json
		if m.URL.RawQuery != "" {
			for _, p := range pairs(t, m.URL.RawQuery) {
				got[p[0]] = p[1]
			}
		}
		require.Equal(t, want, got)
	})
}

// Whatever URL may be saved can be sent, and its host has one meaning only.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/a?b", "http://127.1", "http://[::1]:80/", "http://a@b", `http://a\b`, "http://０x7f/", "http://e.com:080"} {
		f.Add(seed)
	}
	s := newSender(f)
	f.Fuzz(func(t *testing.T, raw string) {
		if sender.CheckURL(raw) != nil {
			return
		}
		m, class := s.Build(post(raw))
		require.Empty(t, class)
		require.Contains(t, []string{"http", "https"}, m.URL.Scheme)
		require.Nil(t, m.URL.User)
		host := m.URL.Hostname()
		if _, err := netip.ParseAddr(host); err != nil {
			require.Regexp(t, `^[A-Za-z0-9._-]+$`, host)
			require.NotRegexp(t, `(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)?$`, host)
		}
	})
}
