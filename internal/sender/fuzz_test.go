package sender_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
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

// Whatever headers may be saved arrive as they are, in one request, and change
// nothing of what frames or signs it.
func FuzzHeaders(f *testing.F) {
	for _, seed := range [][2]string{
		{"X-Api-Key", "7"}, {"Host", "evil"}, {"x-a", "a\r\nX-B: c"}, {"Content-Length", "0"}, {"transfer-encoding", "chunked"}, {"X-A\r\n", ""},
		{"webhook-id", "evt_2"}, {"HTTP2-Settings", "AAMAAABk"}, {"Cookie", "é\x00"}, {"User-Agent", ""}, {" X", "\t "}, {":authority", "x"}, {"X:", "y"},
		{"ſ-Connection", "close"}, {"Kelvin-\u212a", "x"},
	} {
		f.Add(seed[0], seed[1])
	}
	s := newSender(f)
	f.Fuzz(func(t *testing.T, name, value string) {
		r := post("https://example.com/hook")
		plain, class := s.Build(r)
		require.Empty(t, class)
		r.Headers = headers(name, value)
		m, class := s.Build(r)
		require.Equal(t, sender.CheckHeaders(r.Headers) != nil, class == sender.InvalidRequest)
		if class != "" {
			return
		}
		q, err := http.NewRequest(m.Method, m.URL.String(), bytes.NewReader(m.Body))
		require.NoError(t, err)
		q.Header = m.Header
		var wire bytes.Buffer
		require.NoError(t, q.Write(&wire))
		in := bufio.NewReader(&wire)
		got, err := http.ReadRequest(in)
		require.NoError(t, err)
		body, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.Equal(t, m.Body, body)
		_, err = in.ReadByte()
		require.ErrorIs(t, err, io.EOF, "one request, and nothing behind it")
		require.Equal(t, "example.com", got.Host)
		require.Equal(t, int64(len(m.Body)), got.ContentLength)
		require.Empty(t, got.TransferEncoding)
		require.False(t, got.Close)
		got.Header.Del("Content-Length")
		if value == "" && http.CanonicalHeaderKey(name) == "User-Agent" {
			got.Header["User-Agent"] = []string{""} // net/http leaves an empty one out
		}
		require.Equal(t, []string{strings.Trim(value, " \t")}, got.Header[http.CanonicalHeaderKey(name)])
		for _, own := range []string{"Webhook-Id", "Webhook-Signature"} {
			require.Len(t, got.Header[own], 1)
		}
		require.Equal(t, plain.Header["Webhook-Id"], got.Header["Webhook-Id"])
		got.Header.Del(name)
		for _, h := range []http.Header{plain.Header, got.Header} {
			h.Del(name)
			h.Del("Webhook-Timestamp") // the clock may have moved on
			h.Del("Webhook-Signature")
		}
		require.Equal(t, plain.Header, got.Header)
	})
}

// A receiver accepts what is signed, with each of the keys, and nothing else: no
// other id, no other content, and no other division of the same bytes.
func FuzzSignatureInput(f *testing.F) {
	for _, seed := range [][3]string{
		{"evt_1", `{"a":1}`, "POST"}, {"evt_1.2", `{}`, "POST"}, {"evt", `1700000000.{"a":1}`, "PUT"}, {"", `{}`, "POST"}, {"evt\r\n", `{}`, "POST"},
		{"evt_1", `{"a":"é&=+ "}`, "GET"}, {"evt_1", "", "POST"}, {"é", "\xff", "DELETE"}, {"evt_1", "[1,2]", "GET"},
	} {
		f.Add(seed[0], []byte(seed[1]), seed[2])
	}
	s := newSender(f)
	f.Fuzz(func(t *testing.T, id string, payload []byte, method string) {
		r := post("https://example.com/hook")
		r.EventID, r.Payload, r.Method, r.Keys = id, payload, method, []sender.Key{key, edKey}
		m, class := s.Build(r)
		if class != "" {
			require.True(t, class.Permanent())
			return
		}
		require.NotContains(t, id, ".")
		content := m.Body
		if method == http.MethodGet {
			content = []byte(m.URL.RawQuery)
		}
		for _, k := range r.Keys {
			require.True(t, accepts(k.Public(), content, m.Header))
			require.False(t, accepts(k.Public(), append(slices.Clone(content), ' '), m.Header))
			require.False(t, accepts(k.Public(), slices.Concat([]byte("1."), content), m.Header))
			other := m.Header.Clone()
			other.Set("Webhook-Id", id+"x")
			require.False(t, accepts(k.Public(), content, other))
		}
	})
}

// What no allow-list opens is public, an IPv4 address has one judgement however
// it is written, and nothing opens the way to the system itself.
func FuzzGuard(f *testing.F) {
	for _, seed := range append(slices.Clone(forbidden), public...) {
		if ip := netip.MustParseAddr(seed); ip.Zone() == "" {
			f.Add(ip.AsSlice(), uint16(443))
		}
	}
	own := &sender.Own{Interfaces: here("10.7.0.2/24")}
	require.NoError(f, own.Listener("127.0.0.1:8233"))
	closed := sender.NewGuard(sender.GuardOptions{Own: own})
	open := sender.NewGuard(sender.GuardOptions{Allow: everything, Own: own})
	f.Fuzz(func(t *testing.T, raw []byte, port uint16) {
		ip, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		to := netip.AddrPortFrom(ip, port)
		passes := closed.CheckAddrPort(to) == nil
		if passes {
			plain := ip.Unmap()
			require.True(t, plain.IsGlobalUnicast(), "%s", ip)
			require.False(t, plain.IsPrivate() || plain.IsLoopback() || plain.IsLinkLocalUnicast() || plain.IsMulticast(), "%s", ip)
			require.True(t, plain.Is4() || netip.MustParsePrefix("2000::/3").Contains(plain), "%s", ip)
			require.NoError(t, open.CheckAddrPort(to), "an allow-list closes nothing: %s", to)
		}
		if !ip.Is4() {
			require.ErrorIs(t, open.CheckAddrPort(netip.AddrPortFrom(ip.WithZone("lo"), port)), sender.ErrBlocked)
			return
		}
		b := ip.As4()
		for _, written := range [][16]byte{
			{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			{8: 0xff, 9: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			{0, 0x64, 0xff, 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
			{0, 0x64, 0xff, 0x9b, 0, 1, b[0], b[1], 0, b[2], b[3]},
			{0x20, 0x02, b[0], b[1], b[2], b[3]},
			{0x20, 0x01, 0, 0, 8, 8, 8, 8, 12: ^b[0], 13: ^b[1], 14: ^b[2], 15: ^b[3]},
			{0x2a, 0, 10: 0x5e, 11: 0xfe, 12: b[0], 13: b[1], 14: b[2], 15: b[3]},
		} {
			other := netip.AddrPortFrom(netip.AddrFrom16(written), port)
			require.Equal(t, open.CheckAddrPort(to), open.CheckAddrPort(other), "%s is %s", other, to)
			if !passes {
				require.ErrorIs(t, closed.CheckAddrPort(other), sender.ErrBlocked, "%s is %s", other, to)
			}
		}
	})
}
