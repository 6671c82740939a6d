package jsoncheck_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"datapusher/internal/jsoncheck"
)

// encoding/json is the judge of the grammar, where the text is UTF-8, and of
// what the members of an object mean.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"a":1.00,"b":"x"}`, ` { "a" : [ 1 , "]" ] , "a":{"}":"\""} } `, `"\ud83d\ude00\ud83d"`, `[]`, `{}`, `-0`, `-`, `1e`,
		"{\"\xff\":\"\\n\xfe\"}", `{"a":`, "\ufeff{}", nested(600), `01`, `tru`, `"\u00"`, "\"\x00\"",
	} {
		f.Add([]byte(seed))
	}
	const deep = 1000 // less than where encoding/json stops
	f.Fuzz(func(t *testing.T, text []byte) {
		err := jsoncheck.Check(text, deep)
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= deep {
			require.Equal(t, json.Valid(text) && utf8.Valid(text), err == nil, "%v", err)
		}
		if err != nil {
			return
		}
		want := map[string]json.RawMessage{}
		isObject := json.Unmarshal(text, &want) == nil && !bytes.Equal(bytes.TrimSpace(text), []byte("null"))
		require.Equal(t, isObject, jsoncheck.IsObject(text))
		got := map[string]json.RawMessage{} // of repeated names the last one, as in encoding/json
		for name, value := range jsoncheck.Members(text) {
			got[string(name)] = value
		}
		if isObject {
			require.Equal(t, want, got)
		} else {
			require.Empty(t, got)
		}
	})
}
