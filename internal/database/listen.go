package database

import (
	"time"

	"github.com/lib/pq"
)

const (
	// reconnectAfter is how soon a broken connection of a listener is made anew, and
	// reconnectAtMost how long it waits after several failures.
	reconnectAfter  = 250 * time.Millisecond
	reconnectAtMost = 10 * time.Second
	// hearken is how often a listener sees whether its connection is alive.
	hearken = time.Minute
)

// Listen calls hear for what is sent on channels of Postgres, on a connection of
// its own, until stop is called. What is sent while that connection is broken, or
// has not come about, is not heard: it is no more than a reason to look earlier.
// On SQLite nothing is ever heard.
func (db *DB) Listen(hear func(channel, payload string), channels ...string) (stop func()) {
	if !db.Postgres() {
		return func() {}
	}
	l := pq.NewDialListener(newDialer(), db.dsn, reconnectAfter, reconnectAtMost, nil)
	ended := make(chan struct{})
	go func() {
		for _, channel := range channels {
			_ = l.Listen(channel) // waits for a connection; it fails once the listener is closed
		}
	}()
	go func() {
		ping := time.NewTicker(hearken)
		defer ping.Stop()
		for {
			select {
			case n, open := <-l.Notify:
				switch {
				case !open:
					return
				case n != nil && !closed(ended): // nil: it has been connected anew
					hear(n.Channel, n.Extra)
				}
			case <-ping.C:
				go func() { _ = l.Ping() }() // a connection that is dead is given up
			}
		}
	}()
	return func() {
		close(ended)
		_ = l.Close()
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
