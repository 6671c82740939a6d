package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

func TestACredentialIsKeptForOneServer(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "endpoints.json"), []byte(`{"api":"http://127.0.0.1:8000"}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(data, "admin-token"), []byte("local\n"), 0o600))

	local := Remote{DataDir: data}
	check := func(r Remote, server, token, failure string) {
		t.Helper()
		s, k, err := r.resolve()
		if failure != "" {
			require.ErrorContains(t, err, failure)
			return
		}
		require.NoError(t, err)
		require.Equal(t, [2]string{server, token}, [2]string{s, k})
	}
	check(Remote{DataDir: dir}, "", "", "which server?")
	check(local, "http://127.0.0.1:8000", "local", "")
	check(Remote{DataDir: data, Server: "http://127.0.0.1:8000/"}, "http://127.0.0.1:8000", "local", "")
	check(Remote{DataDir: data, Server: "http://127.0.0.1:8001"}, "", "", "a credential for http://127.0.0.1:8001")
	check(Remote{DataDir: data, Server: "https://user:pass@x"}, "", "", "must be a URL")
	check(Remote{DataDir: data, Token: "mine"}, "http://127.0.0.1:8000", "mine", "")
	check(Remote{DataDir: data, Profile: "a"}, "", "", "there are none")

	require.NoError(t, profiles{Current: "a", Profiles: map[string]profile{
		"a": {Server: "https://a.example", Token: "of a"}, "b": {Server: "https://b.example", Token: "of b"},
	}}.store())
	info, err := os.Stat(filepath.Join(dir, "datapusher", "profiles.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	check(Remote{}, "https://a.example", "of a", "")
	check(local, "http://127.0.0.1:8000", "local", "")
	check(Remote{Profile: "b"}, "https://b.example", "of b", "")
	check(Remote{Profile: "c"}, "", "", "there are a, b")
	check(Remote{Server: "https://b.example"}, "", "", "a credential for https://b.example")
	check(Remote{Server: "HTTPS://A.example/"}, "https://a.example", "of a", "")
	check(Remote{Server: "https://b.example", Profile: "b"}, "https://b.example", "of b", "")
	check(Remote{Server: "https://b.example", Profile: "a"}, "", "", "a credential for https://b.example")

	// What is exported is somebody, and goes before a credential that is kept; but a
	// profile that is named is somebody, too.
	t.Setenv("DATAPUSHER_TOKEN", "exported")
	check(Remote{}, "https://a.example", "exported", "")
	check(local, "http://127.0.0.1:8000", "exported", "")
	check(Remote{Server: "https://c.example"}, "https://c.example", "exported", "")
	check(Remote{Profile: "b"}, "https://b.example", "of b", "")
	check(Remote{Profile: "b", Token: "mine"}, "https://b.example", "mine", "")

	// The command line goes before the environment, and that before the current profile.
	t.Setenv("DATAPUSHER_DATA_DIR", data)
	check(Remote{}, "http://127.0.0.1:8000", "exported", "")
	check(Remote{Profile: "b"}, "https://b.example", "of b", "")
	t.Setenv("DATAPUSHER_PROFILE", "b")
	check(Remote{}, "https://b.example", "of b", "")
	check(Remote{Profile: "a"}, "https://a.example", "of a", "")
	check(local, "http://127.0.0.1:8000", "exported", "")
	check(Remote{Server: "https://c.example"}, "https://c.example", "exported", "")
	check(Remote{Server: "https://b.example"}, "https://b.example", "of b", "")
	t.Setenv("DATAPUSHER_SERVER", "https://c.example")
	check(Remote{}, "https://c.example", "exported", "")
	check(Remote{Profile: "b"}, "https://b.example", "of b", "")
	check(local, "http://127.0.0.1:8000", "exported", "")
	check(Remote{Server: "https://d.example", Token: "mine"}, "https://d.example", "mine", "")
	for _, name := range []string{"TOKEN", "DATA_DIR", "PROFILE", "SERVER"} {
		t.Setenv("DATAPUSHER_"+name, "")
	}

	require.NoError(t, os.WriteFile(filepath.Join(dir, "datapusher", "profiles.json"), []byte("{"), 0o600))
	check(Remote{}, "", "", "is no file of profiles")
	check(local, "http://127.0.0.1:8000", "local", "")
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stream string
		want   []string
	}{
		"one":             {"event: next\ndata: {\"a\":1}\n\n", []string{`next {"a":1}`}},
		"lines of data":   {"event: next\ndata: {\ndata:  \"a\":1}\n\n", []string{"next {\n \"a\":1}"}},
		"comments":        {":\n\n: ping\n\nevent: next\ndata: 1\n\n:\n\nevent: next\ndata: 2\n\n", []string{"next 1", "next 2"}},
		"CRLF":            {"event: next\r\ndata: 1\r\n\r\n", []string{"next 1"}},
		"complete":        {"event: next\ndata: 1\n\nevent: complete\ndata:\n\nevent: next\ndata: 2\n\n", []string{"next 1"}},
		"cut in an event": {"event: next\ndata: 1\n\nevent: next\ndata: 2\n", []string{"next 1"}},
		"other fields":    {"id: 7\nretry: 10\nevent: next\ndata: 1\n\n", []string{"next 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			err := readEvents(strings.NewReader(test.stream), func(kind string, data []byte) error {
				got = append(got, kind+" "+string(data))
				return nil
			})
			require.ErrorIs(t, err, errEnded)
			require.Equal(t, test.want, got)
		})
	}
}

func TestTablesShowNothingThatSteersATerminal(t *testing.T) {
	t.Parallel()
	var out, notes bytes.Buffer
	terminal := &Terminal{Out: &out, Err: &notes}
	columns := []column{{"id", "id"}, {"name", "in.name"}, {"list", "list"}, {"number", "n"}, {"none", "none"}}
	row := json.RawMessage(`{"id":"a","in":{"name":"x\u001b[2J\ny"},"list":[{"name":"A","value":"1"},"B"],"n":12345678901234567890,"none":null}`)

	l := Output{"table"}.table(terminal, columns)
	require.NoError(t, l.add(row))
	require.NoError(t, l.end("nothing"))
	require.Equal(t, "ID  NAME     LIST    NUMBER                NONE\na   x�[2J y  A: 1 B  12345678901234567890  \n", out.String())

	for form, want := range map[string]string{"json": "[]\n", "yaml": "[]\n", "table": "ID  NAME  LIST  NUMBER  NONE\n"} {
		out.Reset()
		l := Output{form}.table(terminal, columns)
		require.NoError(t, l.end("nothing"))
		if form != "table" {
			require.Equal(t, want, out.String())
		}
	}
	require.Equal(t, "nothing\n", notes.String(), "people are told, scripts are not")

	out.Reset()
	l = Output{"json"}.table(terminal, columns)
	require.NoError(t, l.add(row))
	require.NoError(t, l.add(row))
	require.NoError(t, l.end(""))
	var all []json.RawMessage
	require.NoError(t, json.Unmarshal(out.Bytes(), &all))
	require.JSONEq(t, string(row), string(all[1]))
}

func TestMoments(t *testing.T) {
	t.Parallel()
	var m Moment
	require.NoError(t, m.UnmarshalText([]byte("2030-01-31T12:00:00+02:00")))
	o := object{}
	m.put(o, "at")
	require.Equal(t, "2030-01-31T10:00:00Z", o["at"])
	require.NoError(t, m.UnmarshalText([]byte("-2h")))
	require.WithinDuration(t, time.Now().Add(-2*time.Hour), m.Time, time.Minute)
	require.Error(t, m.UnmarshalText([]byte("yesterday")))
	(*Moment)(nil).put(o, "none")
	require.NotContains(t, o, "none")
}

func TestASpanThatIsOverMayHaveItsSign(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"--since 24h", "--since -24h", "--since=-24h", "--since " + time.Now().Add(-24*time.Hour).Format(time.RFC3339)} {
		var flags struct {
			Since, Before *Ago
			Yes           bool
		}
		k, err := kong.New(&flags)
		require.NoError(t, err)
		_, err = k.Parse(append(strings.Split(line, " "), "--yes"))
		require.NoError(t, err, line)
		require.WithinDuration(t, time.Now().Add(-24*time.Hour), flags.Since.Time, time.Minute, line)
		require.Nil(t, flags.Before)
		require.True(t, flags.Yes)
		_, err = k.Parse([]string{"--since", "--yes"})
		require.ErrorContains(t, err, "--since")
		_, err = k.Parse([]string{"--since"})
		require.ErrorContains(t, err, "--since")
	}
}

func TestTheShellIsToldWhatFits(t *testing.T) {
	t.Parallel()
	k, err := kong.New(new(Commands), kong.Name("datapusher"))
	require.NoError(t, err)
	for line, want := range map[string][]string{
		"":                              nil, // all, see below
		"to":                            {"token"},
		"destination p":                 {"pause", "preview"},
		"account ls --outp":             {"--output"},
		"account ls --output ":          {"table", "json", "yaml"},
		"account ls --output j":         {"json"},
		"account ls --limit 3 --al":     {"--all"},
		"delivery ls --all --status pa": {"parked"},
		"event get --payload --no-such x --outpu": {"--output"},
		"nonsense x": nil,
	} {
		got := fitting(k.Model.Node, strings.Split(line, " "))
		if line == "" {
			require.Contains(t, got, "account")
			require.NotContains(t, got, "__complete")
			continue
		}
		require.Equal(t, want, got, line)
	}
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{
		"invalid": 2, "too_large": 2, "unsupported_media": 2, "unauthenticated": 3, "forbidden": 3, "not_found": 4, "conflict": 5, "unavailable": 6, "rate_limited": 6, "internal": 1,
	} {
		require.Equal(t, status, (&Error{Code: code}).ExitCode(), code)
	}
	require.Equal(t, "invalid: no\n  a must be b\nHint", (&Error{Code: "invalid", Message: "no", Fields: []Field{{"a", "must be b"}}, Hint: "Hint"}).Error())
}

func TestTheHandbookNamesEveryCommand(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/CLI.md")
	require.NoError(t, err)
	k, err := kong.New(new(Commands), kong.Name("datapusher"))
	require.NoError(t, err)
	for _, command := range k.Model.Children {
		if command.Hidden {
			continue
		}
		line := ""
		for one := range strings.Lines(string(text)) {
			if strings.Contains(one, "`"+command.Name) {
				line += one
			}
		}
		require.NotEmpty(t, line, command.Name)
		for _, sub := range command.Children {
			if command.DefaultCmd != sub {
				require.Contains(t, line, sub.Name, command.Name)
			}
		}
	}
}
