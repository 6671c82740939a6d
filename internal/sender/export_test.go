package sender

import (
	"net"
	"time"
)

// MaxWays bounds Ways; DialBeyond is how long a dial outlives its attempt.
const (
	MaxWays    = maxWays
	DialBeyond = dialBeyond
)

// Ways is how many ways out a sender has for accounts with networks of their own.
func Ways(s *Sender) int {
	s.ways.mu.Lock()
	defer s.ways.mu.Unlock()
	return s.ways.recent.Len()
}

// Bounded and Taken are what happens to a connection that was dialled.
func Bounded(c net.Conn, end time.Time) net.Conn {
	counted := &countedConn{Conn: c}
	counted.bound(end)
	return counted
}
func Taken(c net.Conn) { taken(c) }
