package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// bin holds the programs under test, for all tests of this process.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "datapusher-e2e-"); err != nil {
		panic(err)
	}
	// The scratch Postgres of tests need not outlive the machine, and is told so.
	if err := os.Setenv("DATAPUSHER_ALLOW_UNSAFE_DATABASE", "true"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(bin)
	os.Exit(code)
}

// standalone and production are built on demand, once, as users build them.
var (
	standalone = program("../cmd/standalone", "standalone")
	production = program("../cmd/datapusher", "datapusher")
)

func program(dir, name string) func(t *testing.T) string {
	build := sync.OnceValues(func() (string, error) {
		path := filepath.Join(bin, name)
		out, err := exec.Command("go", "-C", dir, "build", "-o", path, ".").CombinedOutput()
		return string(out), err
	})
	return func(t *testing.T) string {
		t.Helper()
		if out, err := build(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
		return filepath.Join(bin, name)
	}
}
