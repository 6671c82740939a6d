package river

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// repeatAfter is how soon River may say the same again. It asks for jobs many
// times a second, and says each time when the database is away.
const repeatAfter = 10 * time.Second

// riverLogger takes River's warnings alone: it tells of every batch.
func (e *Engine) riverLogger() *slog.Logger {
	return slog.New(warnings{e.logger.With("from", "river").Handler(), &repeats{said: map[string]time.Time{}}})
}

// warnings leaves out what is less than a warning, and what was just said.
type warnings struct {
	slog.Handler
	repeats *repeats
}

type repeats struct {
	mu   sync.Mutex
	said map[string]time.Time // River's messages are constants: there are few
}

// Enabled leaves out what is less than a warning.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// Handle leaves out what was just said.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if w.repeats.again(r) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// WithAttrs keeps leaving it out.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs), w.repeats}
}

// WithGroup keeps leaving it out.
func (w warnings) WithGroup(name string) slog.Handler {
	return warnings{w.Handler.WithGroup(name), w.repeats}
}

func (s *repeats) again(r slog.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Time.Sub(s.said[r.Message]) < repeatAfter {
		return true
	}
	s.said[r.Message] = r.Time
	return false
}
