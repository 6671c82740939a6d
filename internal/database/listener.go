package database

import (
	"context"
	"sync"
	"time"

	"github.com/lib/pq"
)

// MaxNotice is how long a text may be that [DB.Notify] says, in bytes: Postgres
// takes 7,999.
const MaxNotice = 7900

// How long a listener waits before it opens its connection again: at first, and at
// most.
const (
	relistenFirst = 100 * time.Millisecond
	relistenLast  = 2 * time.Second
	// hearken is how often it sees whether its connection is alive.
	hearken = time.Minute
)

// Ears are what a [Listener] calls, one after the other: they must not block. Up and
// Down may be nil.
type Ears struct {
	// Said is told every text that somebody has said on a channel, this process
	// included.
	Said func(channel, text string)
	// Up is told that the connection stands, at first and again. What was said
	// before, nobody has heard.
	Up func()
	// Down is told that the connection is lost, or could not be opened.
	Down func(err error)
}

// Listener hears what is said in a Postgres database, over a connection of its
// own that is opened again whenever it is lost.
type Listener struct {
	pq   *pq.Listener
	ears Ears

	mu     sync.Mutex // nobody is told after Close
	closed bool
}

// Listen begins to listen on channels. The database is Postgres.
func (db *DB) Listen(channels []string, ears Ears) *Listener {
	l := &Listener{ears: ears}
	l.pq = pq.NewDialListener(newDialer(), db.dsn, relistenFirst, relistenLast, func(e pq.ListenerEventType, err error) {
		switch e {
		case pq.ListenerEventConnected: // below, when the channels are open
		case pq.ListenerEventReconnected:
			l.tell(ears.Up)
		case pq.ListenerEventDisconnected, pq.ListenerEventConnectionAttemptFailed:
			l.lost(err)
		}
	})
	go func() {
		for _, c := range channels { // waits for the connection
			if err := l.pq.Listen(c); err != nil {
				l.lost(err)
				return
			}
		}
		l.tell(ears.Up)
	}()
	go func() {
		ping := time.NewTicker(hearken)
		defer ping.Stop()
		for {
			select {
			case n, open := <-l.pq.Notify:
				switch {
				case !open:
					return
				case n != nil: // otherwise it has been connected again
					l.tell(func() { ears.Said(n.Channel, n.Extra) })
				}
			case <-ping.C:
				go func() { _ = l.pq.Ping() }() // gives up a connection that is dead
			}
		}
	}()
	return l
}

// Hear calls hear for what is said on channels until stop is called. What is said
// while the connection is lost is not heard: it is no more than a reason to look
// earlier. On SQLite nothing is ever heard.
func (db *DB) Hear(hear func(channel, text string), channels ...string) (stop func()) {
	if !db.Postgres() {
		return func() {}
	}
	return db.Listen(channels, Ears{Said: hear, Up: func() {}, Down: func(error) {}}).Close
}

func (l *Listener) tell(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && f != nil {
		f()
	}
}

func (l *Listener) lost(err error) {
	if l.ears.Down != nil {
		l.tell(func() { l.ears.Down(err) })
	}
}

// Close ends it. Nobody is told anything afterwards.
func (l *Listener) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = l.pq.Close()
}

// Notify says texts on a channel to whoever listens, in any process. It is one
// statement, which is heard when it has been committed.
func (db *DB) Notify(ctx context.Context, channel string, texts []string) error {
	_, err := db.Write.ExecContext(ctx, `SELECT pg_notify($1, said) FROM unnest($2::text[]) AS said`, channel, Array(texts))
	return err
}
