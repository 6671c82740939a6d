package temporaltest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// safeLog is a log that several goroutines write.
type safeLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *safeLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// standin is a builder of a copy of the module in testdata.
func standin(t *testing.T) (builder, *safeLog) {
	t.Helper()
	module := filepath.Join(t.TempDir(), "cmd", "standalone")
	require.NoError(t, os.CopyFS(module, os.DirFS(filepath.Join("testdata", "module"))))
	log := &safeLog{}
	return builder{module: module, cache: filepath.Join(t.TempDir(), "cache"), log: log}, log
}

func built(log *safeLog) int { return strings.Count(log.String(), "built the Temporal server") }

func change(t *testing.T, b builder, file, from, to string) {
	t.Helper()
	path := filepath.Join(b.module, file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), from)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

func TestTheProgramIsBuiltOnceForItsSources(t *testing.T) {
	t.Parallel()
	b, log := standin(t)
	var wg sync.WaitGroup
	programs, errs := make([]string, 4), make([]error, 4)
	for i := range programs {
		wg.Go(func() { programs[i], errs[i] = b.program() })
	}
	wg.Wait()
	for i, p := range programs {
		require.NoError(t, errs[i])
		require.Equal(t, programs[0], p)
	}
	require.Equal(t, 1, built(log))
	require.Contains(t, log.String(), "several minutes")

	change(t, b, "embedded/embedded_test.go", "package embedded", "package embedded // changed")
	same, err := b.program()
	require.NoError(t, err)
	require.Equal(t, programs[0], same, "tests are no part of the program")

	for i, c := range []struct{ file, from, to string }{
		{"embedded/embedded.go", "1.2.3", "1.2.4"},
		{"temporalserver/main.go", "the shard is lost", "lost"},
		{"go.mod", "go 1.26", "go 1.26.0"},
	} {
		change(t, b, c.file, c.from, c.to)
		other, err := b.program()
		require.NoError(t, err)
		require.NotEqual(t, same, other, c.file)
		require.Equal(t, 2+i, built(log))
		same = other
	}
	require.NoError(t, os.WriteFile(filepath.Join(b.module, "go.sum"), []byte("\n"), 0o600))
	other, err := b.key()
	require.NoError(t, err)
	require.NotContains(t, same, other)
}

func TestASourceThatDoesNotCompileShowsTheCompilersWords(t *testing.T) {
	t.Parallel()
	b, _ := standin(t)
	change(t, b, "embedded/embedded.go", "const Version", "const version")
	_, err := b.program()
	require.ErrorContains(t, err, "undefined: embedded.Version")
	_, err = builder{module: t.TempDir(), cache: b.cache, log: b.log}.program()
	require.ErrorContains(t, err, "read the sources")
}

func TestProgramsThatNobodyUsesAreRemoved(t *testing.T) {
	t.Parallel()
	b, _ := standin(t)
	require.NoError(t, os.MkdirAll(b.cache, 0o755))
	old, recent, foreign := filepath.Join(b.cache, "temporalserver-old"), filepath.Join(b.cache, "temporalserver-recent"), filepath.Join(b.cache, "other")
	long := time.Now().Add(-unusedFor - time.Hour)
	for _, f := range []string{old, recent, foreign} {
		require.NoError(t, os.WriteFile(f, nil, 0o600))
		require.NoError(t, os.Chtimes(f, long, long))
	}
	require.True(t, used(recent))
	p, err := b.program()
	require.NoError(t, err)
	require.NoFileExists(t, old)
	require.FileExists(t, recent)
	require.FileExists(t, foreign)
	require.NoError(t, exec.Command(p, "-listen", "127.0.0.1:0").Run(), "stdin is at its end")
}

func TestTheModuleIsFoundFromAnyFolderOfTheRepository(t *testing.T) {
	t.Parallel()
	b, _ := standin(t)
	root := filepath.Dir(filepath.Dir(b.module))
	deep := filepath.Join(root, "internal", "deep")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	for _, from := range []string{root, deep, filepath.Join(b.module, "embedded")} {
		found, err := findModule(from)
		require.NoError(t, err)
		require.Equal(t, b.module, found)
	}
	_, err := findModule(t.TempDir())
	require.ErrorContains(t, err, "no folder cmd/standalone/temporalserver")
}
