package jsoncheck_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"datapusher/internal/jsoncheck"
)

// elementsOf are the elements of a text; those that are broken have their error.
func elementsOf(text []byte, maxDepth int) (all []string, broken []error, err error) {
	err = jsoncheck.Elements(text, maxDepth, func(element []byte, b error) bool {
		all, broken = append(all, string(element)), append(broken, b)
		return true
	})
	return all, broken, err
}

func TestElementsKeepsOrderAndBytes(t *testing.T) {
	t.Parallel()
	all, broken, err := elementsOf([]byte("\r\n [ 1.00 ,{ \"a\" : [1 , \"]\"] }\n,\"\\u0041,\",null\t,[], { },-0 ] \n"), 2)
	require.NoError(t, err)
	require.Equal(t, []string{"1.00", `{ "a" : [1 , "]"] }`, `"\u0041,"`, "null", "[]", "{ }", "-0"}, all)
	require.Equal(t, make([]error, 7), broken)
	all, _, err = elementsOf([]byte(" [ ] "), 2)
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestElementsEndsWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	n := 0
	require.NoError(t, jsoncheck.Elements([]byte("[1,2,3,broken"), 1, func([]byte, error) bool {
		n++
		return n < 2
	}))
	require.Equal(t, 2, n)
}

// One that is nested too deep is no reason to refuse the others.
func TestElementsThatAreNestedTooDeepComeWithTheirError(t *testing.T) {
	t.Parallel()
	hostile := strings.Repeat(`[{"a":`, 1<<19) + "1" + strings.Repeat(`}]`, 1<<19)
	for _, deep := range []string{
		`[[[]]]`, `{"a":[{"b":1,"c":[[]]},"]",-1.5e3]}`, `[[{}],{"a":[1,{"b":null}]}]`, ` [ [ [ ] , [ 1 ] ] ] `, `{"a":{"b":{}},"c":true}`, hostile,
	} {
		trimmed := strings.TrimSpace(deep)
		all, broken, err := elementsOf([]byte("[1, "+deep+",[[]]]"), 2)
		require.NoError(t, err, "%.40q", deep)
		require.True(t, len(all) == 3 && all[0] == "1" && all[1] == trimmed && all[2] == "[[]]", "%.40q", all)
		require.Equal(t, []error{nil, jsoncheck.Check([]byte(trimmed), 2), nil}, broken, "%.40q", deep)
		require.ErrorContains(t, broken[1], "too deep")
	}
}

func TestElementsSaysWhyATextIsNoArray(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		offset int
		reason string
	}{
		{"", 0, "empty"},
		{"\ufeff[]", 0, "byte order mark"},
		{` {"a":1}`, 1, "no array"},
		{`1`, 0, "no array"},
		{`[`, 1, "lacks a value"},
		{`[1`, 2, "lacks a , or a ]"},
		{`[1,`, 3, "lacks a value"},
		{`[1,]`, 3, "lacks a value"},
		{`[1}`, 2, "lacks a , or a ]"},
		{`[] []`, 3, "after its end"},
		{`[1]x`, 3, "after its end"},
		{`[{"a":1},{"a"}]`, 13, "lacks a :"},
		{"[\"\xff\"]", 2, "UTF-8"},
		// behind the depth, where the text is looked at all the same
		{`[[[[1}]]]`, 5, "lacks a , or a ]"},
		{`[[[{"a":1]]]]`, 9, "lacks a , or a }"},
		{`[[[{"a":1,}]]]`, 10, "lacks a name"},
		{`[[[{1}]]]`, 4, "lacks a name"},
		{`[[[[nul]]]]`, 4, "other than true"},
		{`[[[[1,]]]]`, 6, "lacks a value"},
		{`[[[[`, 4, "lacks a value"},
	} {
		_, _, err := elementsOf([]byte(tt.text), 2)
		var broken *jsoncheck.Error
		require.ErrorAs(t, err, &broken, "%q", tt.text)
		require.Contains(t, broken.Reason, tt.reason, "%q", tt.text)
		require.Equal(t, tt.offset, broken.Offset, "%q: %v", tt.text, broken)
	}
}

func TestElementsMakesNoGarbage(t *testing.T) {
	text := []byte(`[{"order":[1,2.5e3,{"name":"Jürgen \u00e4"}]}, {"ok":true}, null]`)
	n := 0
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if jsoncheck.Elements(text, jsoncheck.MaxDepth, func([]byte, error) bool { n++; return true }) != nil {
			t.Fail()
		}
	}))
	require.NotZero(t, n)
}

// encoding/json is the judge of where elements begin and end.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{
		`[]`, ` [ 1 , "]" , [ ] ] `, `[{"a":[{}]},{"a":[[[{"b":[]}]]]},-0]`, `[[[[1}]]]`, `[[[[`, `{"a":[1]}`, `[1,]`, `[1]]`, "[\"\xff\"]", `[[[{"a":1,"b":[]}]]]`,
	} {
		f.Add([]byte(seed))
	}
	const most = 1000 // less than where encoding/json stops
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > most {
			return
		}
		var want []json.RawMessage
		valid := utf8.Valid(text) && bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("[")) && json.Unmarshal(text, &want) == nil
		for _, maxDepth := range []int{0, 1, 3, most} {
			all, broken, err := elementsOf(text, maxDepth)
			require.Equal(t, valid, err == nil, "%v", err)
			if !valid {
				_, ok := errors.AsType[*jsoncheck.Error](err)
				require.True(t, ok)
				continue
			}
			require.Len(t, all, len(want))
			for i := range want {
				require.Equal(t, string(want[i]), all[i])
				require.Equal(t, jsoncheck.Check(want[i], maxDepth), broken[i])
			}
		}
	})
}

func BenchmarkElements(b *testing.B) {
	text := []byte("[" + strings.Repeat(`{"id":12345,"name":"some text of a usual length","tags":["a","b"],"ok":true},`, 500) + "1]")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := jsoncheck.Elements(text, jsoncheck.MaxDepth, func([]byte, error) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}
