package watch

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"datapusher/bench/load/ledger"
)

// client is one subscription.
type client struct {
	conn  *websocket.Conn
	field string

	mu       sync.Mutex
	messages int64
	skipped  int64
	lag      ledger.Latencies
	end      string // why it has ended; "": it has not
}

// read counts what is heard until the connection ends.
func (c *client) read(ctx context.Context) {
	for {
		_, text, err := c.conn.Read(ctx)
		now := time.Now()
		if ctx.Err() != nil {
			return // it was closed
		}
		c.mu.Lock()
		switch {
		case err != nil:
			c.end = err.Error()
		case bytes.Contains(text, []byte(`"type":"next"`)):
			at, skipped, ok := payload(text)
			if !ok {
				c.end = "it cannot be read: " + string(text)
				break
			}
			c.messages++
			c.skipped += skipped
			c.lag.Add(now.Sub(at))
		case bytes.Contains(text, []byte(`"type":"complete"`)), bytes.Contains(text, []byte(`"type":"error"`)):
			c.end = string(text)
		}
		over := c.end != ""
		c.mu.Unlock()
		if over {
			return
		}
	}
}

// payload reads of a message when what it tells was written, and how many were
// left out before it. It looks for the two members alone, since there are many
// messages.
func payload(text []byte) (at time.Time, skipped int64, ok bool) {
	when, ok1 := member(text, `"at":"`, '"')
	left, ok2 := member(text, `"skipped":`, ',')
	at, err1 := time.Parse(time.RFC3339Nano, when)
	skipped, err2 := strconv.ParseInt(left, 10, 64)
	return at, skipped, ok1 && ok2 && err1 == nil && err2 == nil
}

func member(text []byte, name string, end byte) (string, bool) {
	_, rest, found := bytes.Cut(text, []byte(name))
	value, _, closed := bytes.Cut(rest, []byte{end})
	return string(value), found && closed
}
