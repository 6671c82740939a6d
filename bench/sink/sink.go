// Package sink is the receiver of a benchmark: many destinations that behave well
// or badly, by the path that is called, and a memory of what arrived where and
// when, against which the promises of a door can be checked.
//
//	/ok/<destination>               200 at once
//	/slow/<duration>/<destination>  200 after the duration
//	/dead/<destination>             503 at once
//	/hang/<destination>             no answer
//
// A destination is a number. What follows, such as /ok/7/heavy, names a class of
// its own, "ok/heavy", beside "ok"; a query is ignored.
//
// An arrival is known by its destination and its webhook-id. Its latency is the
// time since the stamp in its payload (package ledger), and counts when it
// arrives for the first time.
package sink

import (
	"net"
	"sync"
	"time"

	"datapusher/bench/load/ledger"
	"datapusher/bench/wire"
)

// Sink is a receiver that runs.
type Sink struct {
	memory   memory
	verifier verifier
	classes  classes
	server   *wire.Server
	checking sync.Mutex
}

// Start begins to receive what comes through a listener.
func Start(l net.Listener) *Sink {
	s := &Sink{}
	s.server = wire.Serve(l, s.connection)
	return s
}

// Close ends the receiver and all its connections.
func (s *Sink) Close() error { return s.server.Close() }

// maxRoutes is how many paths a connection remembers.
const maxRoutes = 1 << 14

var notFound = wire.NewAnswer(404, nil)

// connection makes the handler of a connection, which reads each path once.
func (s *Sink) connection(done <-chan struct{}) wire.Handler {
	routes := make(map[string]route)
	return func(r *wire.Request) *wire.Answer {
		now := time.Now()
		to, known := routes[string(r.Target)]
		if !known {
			var ok bool
			if to, ok = s.classes.route(string(r.Target)); !ok {
				return notFound
			}
			if len(routes) < maxRoutes { // where each request has a query of its own, that is all
				routes[string(r.Target)] = to
			}
		}
		s.verifier.check(r, to.destination, now)
		s.note(r, to, now)
		if to.delay > 0 && !wait(to.delay, done) {
			return nil
		}
		return to.answer
	}
}

// note remembers a request.
func (s *Sink) note(r *wire.Request, to route, now time.Time) {
	n, t, stamped := ledger.ReadStamp(r.Body)
	if !stamped {
		n, t = unknownNumber, 0
	}
	var latency time.Duration
	if stamped {
		latency = time.Duration(now.UnixNano() - t)
	}
	id, named := ledger.ParseID(r.Header("webhook-id"))
	s.memory.note(arrival{
		id: id, named: named, destination: to.destination, class: to.class,
		number: n, latency: latency, stamped: stamped, at: now,
	})
}

// wait reports whether the time passed before it was over.
func wait(d time.Duration, over <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-over:
		return false
	}
}
