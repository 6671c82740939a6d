package sender_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// pairs of a query string, decoded, in their order.
func pairs(t testing.TB, query string) (out [][2]string) {
	t.Helper()
	for part := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(part, "=")
		require.True(t, found, part)
		n, err := url.QueryUnescape(name)
		require.NoError(t, err)
		v, err := url.QueryUnescape(value)
		require.NoError(t, err)
		out = append(out, [2]string{n, v})
	}
	return out
}

func TestAnEventBecomesAQuery(t *testing.T) {
	t.Parallel()
	type kv = [2]string
	tests := map[string]struct {
		event string
		want  []kv
	}{
		"order of the event":      {`{"b":1,"a":2}`, []kv{{"b", "1"}, {"a", "2"}}},
		"repeated members":        {`{"a":1,"b":2,"a":3}`, []kv{{"a", "1"}, {"b", "2"}, {"a", "3"}}},
		"numbers keep their form": {`{"p":1.00,"e":1E+02,"n":-0,"big":1e400,"long":0.1000000000000000000000001}`, []kv{{"p", "1.00"}, {"e", "1E+02"}, {"n", "-0"}, {"big", "1e400"}, {"long", "0.1000000000000000000000001"}}},
		"literals":                {`{"t":true,"f":false,"n":null}`, []kv{{"t", "true"}, {"f", "false"}, {"n", "null"}}},
		"strings are plain":       {`{"s":"a b&c=d/?é\"","e":""}`, []kv{{"s", `a b&c=d/?é"`}, {"e", ""}}},
		"escapes":                 {`{"s":"\b\f\n\r\t\/\\\"\u0041\u00e9\u0000"}`, []kv{{"s", "\b\f\n\r\t/\\\"Aé\x00"}}},
		"surrogates":              {`{"s":"\ud83d\ude00","half":"\ud83dx","low":"\ude00","two":"\ud83d\u0041"}`, []kv{{"s", "😀"}, {"half", "\ufffdx"}, {"low", "\ufffd"}, {"two", "\ufffdA"}}},
		"half a pair at the end":  {`{"s":"\ud83d"}`, []kv{{"s", "\ufffd"}}},
		"names are plain":         {`{"a b":1,"\u00e9\"":2,"":3}`, []kv{{"a b", "1"}, {`é"`, "2"}, {"", "3"}}},
		"nested byte for byte":    {"{\"o\": { \"x\" : 1.00,\n \"y\":\"\\u0041}\" } , \"l\":[ 1,[\"]\"] ]}", []kv{{"o", "{ \"x\" : 1.00,\n \"y\":\"\\u0041}\" }"}, {"l", "[ 1,[\"]\"] ]"}}},
		"space around":            {" \r\n{ \"a\" : \t1 , \"b\" : \"x\" } \n", []kv{{"a", "1"}, {"b", "x"}}},
		"not UTF-8":               {"{\"a\xff\":\"b\xfe\",\"c\":\"\\n\xfd\"}", []kv{{"a\xff", "b\xfe"}, {"c", "\n\xfd"}}},
		"a number alone":          {" 1.50 ", []kv{{"data", "1.50"}}},
		"a string alone":          {` "a\nb" `, []kv{{"data", "a\nb"}}},
		"an array":                {"[1, {\"a\":2}]", []kv{{"data", `[1, {"a":2}]`}}},
		"null":                    {"null", []kv{{"data", "null"}}},
	}
	s := newSender(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, class := s.Build(get("https://example.com/hook", test.event))
			require.Equal(t, sender.Class(""), class)
			require.Equal(t, test.want, pairs(t, m.URL.RawQuery))
			require.Nil(t, m.Body)
		})
	}
}

func TestTheURLsOwnQueryStaysInFront(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, event, want string }{
		{"https://e.com", `{"a":1}`, "https://e.com?a=1"},
		{"https://e.com/p?x=%2f&y&a=0", `{"a":1}`, "https://e.com/p?x=%2f&y&a=0&a=1"},
		{"https://e.com/p?x=;", `[]`, "https://e.com/p?x=;&data=%5B%5D"},
		{"https://e.com/p?x=1", `{}`, "https://e.com/p?x=1"},
		{"https://e.com/p", `{}`, "https://e.com/p"},
		{"https://e.com/p?x=1#f", `{"a":1}`, "https://e.com/p?x=1&a=1"},
		{"https://e.com/p#f?g", `{"a":1}`, "https://e.com/p?a=1"},
	}
	s := newSender(t)
	for _, test := range tests {
		m, class := s.Build(get(test.url, test.event))
		require.Equal(t, sender.Class(""), class, test.url)
		require.Equal(t, test.want, m.URL.String())
	}
}

func TestAURLOver8KiBIsNotSent(t *testing.T) {
	t.Parallel()
	srv := serve(t, respond(200))
	s := newSender(t)
	fill := 8*1024 - len(srv.URL+"/?a=")
	fits := `{"a":"` + strings.Repeat("x", fill) + `"}`
	require.Equal(t, 200, s.Send(t.Context(), get(srv.URL+"/", fits)).Status)

	never := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	for name, event := range map[string]string{
		"one byte more":     `{"a":"` + strings.Repeat("x", 8*1024-len(never.URL+"/?a=")+1) + `"}`,
		"by escaping":       `{"a":"` + strings.Repeat("é", 2000) + `"}`,
		"by many members":   `{` + strings.Repeat(`"a":1,`, 3000) + `"a":1}`,
		"a megabyte nested": `{"a":[` + strings.Repeat("1,", 1<<19) + `1],"b":2}`,
		"a megabyte alone":  `"` + strings.Repeat("x", 1<<20) + `"`,
	} {
		res := s.Send(t.Context(), get(never.URL+"/", event))
		require.Equal(t, sender.URLTooLong, res.Class, name)
		require.True(t, res.Class.Permanent())
		require.Zero(t, res.Status)
	}
}
