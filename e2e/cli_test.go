package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// The command line, as its users type it, against a standalone program: each file
// of testdata/cli is a session of its own.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	_, admin, _ := bootStandalone(t, dir)
	programs := filepath.Dir(production(t))
	token, err := os.ReadFile(filepath.Join(dir, "admin-token"))
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/cli",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("DATAPUSHER_DATA_DIR", dir)
			e.Setenv("SERVER", admin.url)
			e.Setenv("ADMIN", strings.TrimSpace(string(token)))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"get":   scriptGet,
			"until": scriptUntil,
		},
	})
}

// scriptGet puts a value of the JSON that the last command has printed into a
// variable: get NAME path.to.value.
func scriptGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get NAME path")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for name := range strings.SplitSeq(args[1], ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			if len(in) == 0 {
				ts.Fatalf("%s: the list is empty", args[1])
			}
			v = in[0]
		}
	}
	text, ok := v.(string)
	if !ok {
		ts.Fatalf("%s is no text: %v", args[1], v)
	}
	ts.Setenv(args[0], text)
}

// scriptUntil runs a command again until what it prints matches: until PATTERN
// command arguments.
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until pattern command")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	deadline := time.Now().Add(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		var out bytes.Buffer
		// A file is read where it is; programs are on the script's PATH.
		name := args[1]
		if found := filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], name); exists(found) {
			name = found
		}
		cmd := exec.Command(name, args[2:]...)
		cmd.Dir = ts.Getenv("WORK")
		cmd.Stdout, cmd.Stderr = &out, &out
		for _, variable := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "DATAPUSHER_DATA_DIR", "DATAPUSHER_TOKEN", "DATAPUSHER_SERVER"} {
			if v := ts.Getenv(variable); v != "" {
				cmd.Env = append(cmd.Env, variable+"="+v)
			}
		}
		err := cmd.Run()
		if err == nil && pattern.Match(out.Bytes()) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has not printed %s: %v\n%s", strings.Join(args[1:], " "), args[0], err, out.String())
		}
		<-again.C
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
