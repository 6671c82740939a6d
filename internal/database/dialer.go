package database

import (
	"net"
	"time"
)

// deadAfter is how long a connection may stay without any sign of the other
// side. The driver cannot be interrupted while it waits for an answer, not by
// the end of a context either, so that the system has to notice that a server is
// gone: by itself it would take a quarter of an hour.
const deadAfter = 20 * time.Second

// dialer makes the driver's connections.
type dialer struct{ net.Dialer }

func newDialer() *dialer {
	return &dialer{net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: deadAfter / 2, Interval: deadAfter / 8, Count: 4},
		Control:         limitUnanswered,
	}}
}

// DialTimeout implements pq.Dialer.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	limited := d.Dialer
	limited.Timeout = timeout
	return limited.Dial(network, address)
}
