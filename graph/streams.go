package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"

	"datapusher/internal/auth"
)

// StreamLimits bound what WebSockets and server-sent events may hold. What is 0 has
// the default.
type StreamLimits struct {
	Init        time.Duration // from an upgrade to a valid credential; 3 s
	Unknown     int           // connections of the process whose credential is still to come; 500
	Connections int           // of one account, or of the operator, in this process; 100
	Operations  int           // of one WebSocket at a time; 20
	Message     int64         // bytes of a message from the client; 64 KiB
	Write       time.Duration // for one message to a slow reader; 10 s
	Ping        time.Duration // between two signs of life; 20 s
	Pong        time.Duration // until the answer to a ping; 20 s
	Poll        time.Duration // between two looks at the database, where nobody tells what changes; 500 ms
}

func (l *StreamLimits) fill() {
	or := func(at *time.Duration, d time.Duration) {
		if *at <= 0 {
			*at = d
		}
	}
	orInt := func(at *int, n int) {
		if *at <= 0 {
			*at = n
		}
	}
	or(&l.Init, 3*time.Second)
	orInt(&l.Unknown, 500)
	orInt(&l.Connections, 100)
	orInt(&l.Operations, 20)
	if l.Message <= 0 {
		l.Message = 64 << 10
	}
	or(&l.Write, 10*time.Second)
	or(&l.Ping, 20*time.Second)
	or(&l.Pong, 20*time.Second)
	or(&l.Poll, 500*time.Millisecond)
}

// streams are the connections of a process that stay open: WebSockets, and
// server-sent events.
type streams struct {
	exec    *executor.Executor
	auth    Authenticator
	limits  StreamLimits
	maxTime time.Duration

	ctx  context.Context // ends with close
	stop context.CancelFunc

	mu   sync.Mutex
	open map[string]int // connections by account; "" for those of whom nobody is known
	all  sync.WaitGroup
}

func newStreams(exec *executor.Executor, o Options) *streams {
	o.Streams.fill()
	s := &streams{exec: exec, auth: o.Auth, limits: o.Streams, maxTime: o.MaxTime, open: map[string]int{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

func (s *streams) close() {
	s.mu.Lock()
	s.stop() // under the lock: none is added to those that are waited for
	s.mu.Unlock()
	s.all.Wait()
}

// nobody holds the places of connections whose credential is still to come.
const nobody = ""

// enter takes a place for a connection of nobody's.
func (s *streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil || s.open[nobody] >= s.limits.Unknown {
		return false
	}
	s.open[nobody]++
	s.all.Add(1)
	return true
}

// become gives a connection's place to the one who is known now.
func (s *streams) become(holder string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[holder] >= s.limits.Connections {
		return false
	}
	s.open[holder]++
	s.drop(nobody)
	return true
}

func (s *streams) leave(holder string) {
	s.mu.Lock()
	s.drop(holder)
	s.mu.Unlock()
	s.all.Done()
}

func (s *streams) drop(holder string) {
	if s.open[holder]--; s.open[holder] <= 0 {
		delete(s.open, holder)
	}
}

// holderOf is who a viewer's connections count for.
func holderOf(v *auth.Viewer) string {
	if v.Kind == auth.Account {
		return v.AccountID
	}
	return string(v.Kind)
}
