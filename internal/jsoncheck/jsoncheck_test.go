package jsoncheck_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/jsoncheck"
)

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, `null`, `true`, `false`, `""`, `0`, `-0`, `-0.0e-0`, `1e400`, `123456789012345678901234567890.10`, "\t\r\n {}\n",
		`{"a":1,"a":2}`, `{"":[{}, [ ] ,"]"]}`, `"\ud83d\ude00\ud800\u0000\"\\\/\b\f\n\r\t"`, `"ÿ€😀"`, "\"\u2028\ufeff\"", "\"\x7f\"",
		nested(jsoncheck.MaxDepth),
		strings.Repeat(`{"a":`, jsoncheck.MaxDepth) + "1" + strings.Repeat("}", jsoncheck.MaxDepth),
	} {
		require.NoError(t, jsoncheck.Check([]byte(text), jsoncheck.MaxDepth), "%.40q", text)
	}
}

func TestCheckSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		offset int
		reason string
	}{
		{"", 0, "empty"},
		{" \n", 0, "empty"},
		{"\ufeff{}", 0, "byte order mark"},
		{"{}x", 2, "after its end"},
		{"{} {}", 3, "after its end"},
		{"01", 1, "after its end"},
		{"1\x00", 1, "after its end"},
		{"\u00a0{}", 0, "lacks a value"},
		{`{"a":}`, 5, "lacks a value"},
		{`[1,]`, 3, "lacks a value"},
		{`NaN`, 0, "lacks a value"},
		{`'a'`, 0, "lacks a value"},
		{`[/**/1]`, 1, "lacks a value"},
		{`nul`, 0, "other than true"},
		{`[True]`, 1, "lacks a value"},
		{`trux`, 0, "other than true"},
		{`{a:1}`, 1, "lacks a name"},
		{`{"a":1,}`, 7, "lacks a name"},
		{`{"a" 1}`, 5, "lacks a :"},
		{`{"a":1 "b":2}`, 7, "lacks a , or a }"},
		{`{"a":1`, 6, "lacks a , or a }"},
		{`[1 2]`, 3, "lacks a , or a ]"},
		{`[1}`, 2, "lacks a , or a ]"},
		{`-`, 1, "lacks a digit"},
		{`1.`, 2, "lacks a digit"},
		{`1e+`, 3, "lacks a digit"},
		{`+1`, 0, "lacks a value"},
		{`.5`, 0, "lacks a value"},
		{`"a`, 2, "ends within"},
		{"\"a\nb\"", 2, "control character"},
		{"\"\x00\"", 1, "control character"},
		{`"\x"`, 2, "escapes nothing"},
		{`"\u12G4"`, 5, "hexadecimal"},
		{`"\u123"`, 6, "hexadecimal"},
		{`"\`, 2, "escapes nothing"},
		{"\"\xff\"", 1, "UTF-8"},
		{"\"\xc0\xaf\"", 1, "UTF-8"},
		{"\"\xed\xa0\x80\"", 1, "UTF-8"},
		{"\"\xf4\x90\x80\x80\"", 1, "UTF-8"},
		{"\"\xe2\x82\"", 1, "UTF-8"},
		{"{\"\xff\":1}", 2, "UTF-8"},
		{nested(jsoncheck.MaxDepth + 1), jsoncheck.MaxDepth, "too deep"},
		{strings.Repeat("[", 1<<20), jsoncheck.MaxDepth, "too deep"},
	} {
		var broken *jsoncheck.Error
		require.ErrorAs(t, jsoncheck.Check([]byte(tt.text), jsoncheck.MaxDepth), &broken, "%.40q", tt.text)
		require.Equal(t, tt.offset, broken.Offset, "%.40q: %v", tt.text, broken)
		require.Contains(t, broken.Reason, tt.reason, "%.40q", tt.text)
	}
}

func TestCheckMakesNoGarbage(t *testing.T) {
	text := []byte(`{"order":[1,2.5e3,{"name":"Jürgen \u00e4","ok":true,"none":null}]}`)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if jsoncheck.Check(text, jsoncheck.MaxDepth) != nil {
			t.Fail()
		}
	}))
}

func BenchmarkCheck(b *testing.B) {
	text := []byte("[" + strings.Repeat(`{"id":12345,"name":"some text of a usual length","tags":["a","b"],"ok":true},`, 500) + "1]")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := jsoncheck.Check(text, jsoncheck.MaxDepth); err != nil {
			b.Fatal(err)
		}
	}
}
