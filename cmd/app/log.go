package app

import (
	"io"
	"log/slog"
	"os"
	"sync"
)

// Logger makes the program's log, on standard error. [FlushLog] has to be called
// at the end of the program.
func (c Config) Logger() *slog.Logger { return c.LoggerAt(c.LogLevel) }

// LoggerAt makes the log with a level that may change while it is in use.
func (c Config) LoggerAt(level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: inUTC}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(stderr, options))
	}
	return slog.New(slog.NewJSONHandler(stderr, options))
}

// inUTC makes logs of several machines comparable. Local time is also what cost
// most of a line.
func inUTC(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}

// stderr is where all loggers of the process write to.
var stderr = newLineWriter(os.Stderr)

// FlushLog returns when everything that was logged is written.
func FlushLog() { stderr.flush() }

// maxUnwritten is how many bytes of lines may wait for a slow reader of the log
// before whoever logs has to wait, too.
const maxUnwritten = 1 << 20

// lineWriter writes what comes in while one write is going on with the next
// one: idle, each line is written at once, and under load many share a system
// call.
type lineWriter struct {
	to io.Writer

	mu      sync.Mutex
	changed sync.Cond
	waiting []byte
	spare   []byte
	writing bool
}

func newLineWriter(to io.Writer) *lineWriter {
	w := &lineWriter{to: to}
	w.changed.L = &w.mu
	return w
}

// Write implements io.Writer. It does not fail: nobody could be told.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) > maxUnwritten {
		w.changed.Wait()
	}
	w.waiting = append(w.waiting, line...)
	if !w.writing {
		w.writing = true
		go w.write()
	}
	return len(line), nil
}

// write writes until nothing is left.
func (w *lineWriter) write() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) > 0 {
		lines := w.waiting
		w.waiting, w.spare = w.spare[:0], nil
		w.changed.Broadcast() // there is room, however long this write takes
		w.mu.Unlock()
		_, _ = w.to.Write(lines)
		w.mu.Lock()
		w.spare = lines
	}
	w.writing = false
	w.changed.Broadcast()
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.writing {
		w.changed.Wait()
	}
}
