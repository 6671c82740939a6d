package temporaltest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"datapusher/internal/testutil/filelock"
)

// EnvCache names the folder that keeps the built server, instead of
// datapusher-test in the user's cache folder.
const EnvCache = "DATAPUSHER_TEST_CACHE"

const programName = "temporalserver"

// unusedFor is how long a program of older sources is kept: it is large.
const unusedFor = 12 * time.Hour

// builder builds the server's program.
type builder struct {
	module string // the folder cmd/standalone
	cache  string
	log    io.Writer
}

func newBuilder() (builder, error) {
	wd, err := os.Getwd() // of a test: its package's folder
	if err != nil {
		return builder{}, err
	}
	module, err := findModule(wd)
	if err != nil {
		return builder{}, err
	}
	cache := os.Getenv(EnvCache)
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return builder{}, fmt.Errorf("no folder to keep the Temporal server in; set %s: %w", EnvCache, err)
		}
		cache = filepath.Join(user, "datapusher-test")
	}
	return builder{module: module, cache: cache, log: os.Stderr}, nil
}

// findModule finds the folder cmd/standalone in a folder or above it.
func findModule(from string) (string, error) {
	for dir := from; ; dir = filepath.Dir(dir) {
		module := filepath.Join(dir, "cmd", "standalone")
		if _, err := os.Stat(filepath.Join(module, programName)); err == nil {
			return module, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder cmd/standalone/%s in %s or above it", programName, from)
		}
	}
}

// program is the path of the built program, which is built if there is none of
// these sources. Of several processes one builds; the others wait for it.
func (b builder) program() (string, error) {
	key, err := b.key()
	if err != nil {
		return "", fmt.Errorf("read the sources of the Temporal server: %w", err)
	}
	program := filepath.Join(b.cache, programName+"-"+key)
	if used(program) {
		return program, nil
	}
	unlock, err := filelock.Lock(filepath.Join(b.cache, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if used(program) { // another process was faster
		return program, nil
	}
	if err := b.build(program); err != nil {
		return "", err
	}
	b.prune()
	return program, nil
}

// used reports whether the program is there, and notes that it is in use.
func used(program string) bool {
	now := time.Now()
	return os.Chtimes(program, now, now) == nil
}

func (b builder) build(program string) error {
	fmt.Fprintf(b.log, "building the Temporal server for the tests (once; several minutes when nothing of it is compiled yet) ...\n")
	begun := time.Now()
	// Without -race and -trimpath, whatever the tests are run with: what is compiled
	// is then the same as for the standalone program.
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", program+".new", "./"+programName)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "PWD="+b.module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the Temporal server: %w\n%s", err, out)
	}
	fmt.Fprintf(b.log, "built the Temporal server in %s\n", time.Since(begun).Round(time.Second))
	return os.Rename(program+".new", program)
}

// prune removes programs that have not been used for long. What cannot be
// removed stays until next time.
func (b builder) prune() {
	programs, _ := filepath.Glob(filepath.Join(b.cache, programName+"-*")) // fails for a bad pattern alone
	for _, p := range programs {
		if info, err := os.Stat(p); err == nil && time.Since(info.ModTime()) > unusedFor {
			_ = os.Remove(p)
		}
	}
}

// key tells sources apart: those of the program, the versions of its modules,
// the compiler.
func (b builder) key() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	add := func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(b.module, path)
		fmt.Fprintln(sum, name, len(text))
		sum.Write(text)
		return err
	}
	err := errors.Join(add(filepath.Join(b.module, "go.mod")), add(filepath.Join(b.module, "go.sum")))
	for _, folder := range []string{"embedded", programName} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(b.module, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return add(path)
		}))
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], err
}
