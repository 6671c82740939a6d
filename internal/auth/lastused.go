package auth

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"datapusher/ent"
	"datapusher/ent/token"
)

const (
	// usedEvery is how exact a token's last use is.
	usedEvery = time.Minute
	// usedWaiting is how many tokens may wait to be written; what is beyond will
	// be noted at its next use.
	usedWaiting = 10_000
	// usedBatch is how many one statement writes.
	usedBatch = 500
)

// lastUsed writes when tokens were used, in the background: no request waits.
type lastUsed struct {
	client *ent.Client
	logger *slog.Logger

	mu      sync.Mutex
	waiting map[string]time.Time

	cancel context.CancelFunc
	done   chan struct{}
}

func (l *lastUsed) start(client *ent.Client, logger *slog.Logger, every time.Duration) {
	l.client, l.logger, l.done = client, logger, make(chan struct{})
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	go l.run(ctx, every)
}

func (l *lastUsed) run(ctx context.Context, every time.Duration) {
	defer close(l.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
		wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		if err := l.flush(wctx); err != nil {
			l.logger.Warn("the last use of tokens could not be written", "error", err)
		}
		cancel()
	}
}

func (l *lastUsed) stop() {
	l.cancel()
	<-l.done
}

// note remembers a use, unless the row says that there was one a moment ago.
func (l *lastUsed) note(t *ent.Token, now time.Time) {
	if t.LastUsedAt != nil && now.Sub(*t.LastUsedAt) < usedEvery {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = map[string]time.Time{}
	}
	if _, known := l.waiting[t.ID]; known || len(l.waiting) < usedWaiting {
		l.waiting[t.ID] = now
	}
}

// flush writes what waits. What could not be written is forgotten: the next use
// notes it again.
func (l *lastUsed) flush(ctx context.Context) error {
	l.mu.Lock()
	waiting := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	ids := slices.Sorted(maps.Keys(waiting)) // in one order, against deadlocks among processes
	for chunk := range slices.Chunk(ids, usedBatch) {
		latest := waiting[chunk[0]]
		for _, id := range chunk {
			if t := waiting[id]; t.After(latest) {
				latest = t
			}
		}
		err := l.client.Token.Update().
			Where(token.IDIn(chunk...), token.Or(token.LastUsedAtIsNil(), token.LastUsedAtLT(latest))).
			SetLastUsedAt(latest.UTC().Truncate(time.Microsecond)).
			Exec(AsSystem(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}
