package jsoncheck_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/jsoncheck"
)

func membersOf(object string) [][2]string {
	var got [][2]string
	for name, value := range jsoncheck.Members([]byte(object)) {
		got = append(got, [2]string{string(name), string(value)})
	}
	return got
}

func TestMembersKeepsOrderRepetitionsAndBytes(t *testing.T) {
	t.Parallel()
	require.Equal(t, [][2]string{
		{"b", "1.00"}, {"a", `{ "x" : [1 , "}"] }`}, {"b", `"\u0041"`}, {`q"`, "null"}, {"account_id", "-0"},
	}, membersOf(` { "b" : 1.00 , "a":{ "x" : [1 , "}"] },"b":"\u0041", "q\"":null
	,"account\u005fid":-0 } `))
	require.Empty(t, membersOf(`{ }`))
	require.Empty(t, membersOf(`["a",1]`))
	for range jsoncheck.Members([]byte(`{"a":1,"b":2}`)) {
		break // who has found what it looks for may stop
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"plain"`: "plain", `""`: "", `"\u0041\n\ud83d\ude00"`: "A\n😀", `"\ud800"`: "\ufffd",
	} {
		got, ok := jsoncheck.Text([]byte(value))
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, value := range []string{"1", "null", "{}", `["a"]`, ""} {
		_, ok := jsoncheck.Text([]byte(value))
		require.False(t, ok, value)
	}
}

func TestIsObject(t *testing.T) {
	t.Parallel()
	require.True(t, jsoncheck.IsObject([]byte(" \n{}")))
	require.False(t, jsoncheck.IsObject([]byte(`"{}"`)))
}
