package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger lets the Temporal server log through slog.
type logger struct {
	slog     *slog.Logger
	stopping *atomic.Bool // shared by all that come from one newLogger
}

var (
	_ log.Logger      = logger{}
	_ log.WithLogger  = logger{}
	_ log.SLogWrapper = logger{}
)

func newLogger(to *slog.Logger, least slog.Leveler) logger {
	stopping := new(atomic.Bool)
	return logger{slog.New(filter{to.Handler(), least, stopping}), stopping}
}

func (l logger) Debug(msg string, tags ...tag.Tag) { l.log(slog.LevelDebug, msg, tags) }
func (l logger) Info(msg string, tags ...tag.Tag)  { l.log(slog.LevelInfo, msg, tags) }
func (l logger) Warn(msg string, tags ...tag.Tag)  { l.log(slog.LevelWarn, msg, tags) }
func (l logger) Error(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// DPanic panics in a development build of the server; this is none.
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

// Panic logs and panics, as the server relies on.
func (l logger) Panic(msg string, tags ...tag.Tag) { l.end(msg, tags) }

// Fatal must not return: the server goes on as if it could not. A panic leaves
// a trace of what was wrong, where os.Exit would not.
func (l logger) Fatal(msg string, tags ...tag.Tag) { l.end(msg, tags) }

func (l logger) end(msg string, tags []tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic(fmt.Sprint("temporal server: ", msg, " ", attributes(tags)))
}

// With implements [log.WithLogger].
func (l logger) With(tags ...tag.Tag) log.Logger {
	return logger{slog.New(l.slog.Handler().WithAttrs(attributes(tags))), l.stopping}
}

// SLog implements [log.SLogWrapper], for the parts of the server that want slog.
func (l logger) SLog() *slog.Logger { return l.slog }

func (l logger) log(level slog.Level, msg string, tags []tag.Tag) {
	// Most of what the server says is dropped, so its tags are not converted first.
	ctx := context.Background()
	if l.slog.Enabled(ctx, level) {
		l.slog.LogAttrs(ctx, level, msg, attributes(tags)...)
	}
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(tags))
	for _, t := range tags {
		attrs = append(attrs, slog.Any(t.Key(), t.Value()))
	}
	return attrs
}

func errorTag(err error) tag.Tag { return tag.Error(err) }

// stop announces the end: see [filter].
func (l logger) stop() { l.stopping.Store(true) }

// harmless are warnings and errors that belong to every ordinary start: the
// beginning of the message, and of the error where one matters.
var harmless = []struct{ message, err string }{
	// A port that is closed on purpose.
	{"HTTP API port has not been set.", ""},
	// Readers of tasks begin before their shard has been taken over, and try again.
	{"Queue reader unable to retrieve tasks", "shard status unknown"},
}

func isHarmless(record slog.Record) bool {
	for _, h := range harmless {
		if !strings.HasPrefix(record.Message, h.message) {
			continue
		}
		found := h.err == ""
		record.Attrs(func(a slog.Attr) bool {
			found = found || a.Key == "error" && strings.HasPrefix(a.Value.String(), h.err)
			return !found
		})
		return found
	}
	return false
}

// filter drops what nobody needs to read: records below a level that the
// handler behind it would take, what is harmless, and everything while the
// server stops, when its services do little but find each other gone.
type filter struct {
	slog.Handler
	least    slog.Leveler
	stopping *atomic.Bool
}

// Enabled implements [slog.Handler].
func (f filter) Enabled(ctx context.Context, level slog.Level) bool {
	return !f.stopping.Load() && level >= f.least.Level() && f.Handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (f filter) Handle(ctx context.Context, record slog.Record) error {
	if isHarmless(record) {
		return nil
	}
	return f.Handler.Handle(ctx, record)
}

// WithAttrs implements [slog.Handler].
func (f filter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return filter{f.Handler.WithAttrs(attrs), f.least, f.stopping}
}

// WithGroup implements [slog.Handler].
func (f filter) WithGroup(name string) slog.Handler {
	return filter{f.Handler.WithGroup(name), f.least, f.stopping}
}
