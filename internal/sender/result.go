package sender

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Bounds of what is read of an answer, in bytes.
const (
	MaxBody           = 16 * 1024  // kept of the body
	maxDrain          = 256 * 1024 // read beyond that and thrown away, so that the connection can be kept
	maxResponseHeader = 64 * 1024
)

// Result is what one attempt came to. Either Status is set (and Class is empty)
// or Class is. Bytes from the receiver are as they came: anything may be in them.
type Result struct {
	Status        int         // of the HTTP answer; 3xx are not followed
	Class         Class       // why there is no HTTP answer
	Header        http.Header // of the answer
	Body          []byte      // of the answer, at most MaxBody, not decompressed
	BodyTruncated bool        // there was more, or the body broke off
	RetryAfter    string      // the answer's header, unread: see the function of that name

	// Sent has the headers of the request as it was built, secret ones included,
	// in canonical form and without Host and Content-Length, which net/http adds.
	// It is nil where nothing could be built. Copy it to change it: net/http may
	// still be reading it.
	Sent http.Header

	Started time.Time // on the injected clock; beside Class and Sent all there is where the address was blocked

	// Where the time went. DNS, Connect and TLS are 0 on a connection that was
	// kept. FirstByte runs from having a connection to the answer's first byte.
	DNS, Connect, TLS, FirstByte, Total time.Duration
}

// bodies are buffers for reading answers: an answer is rarely as large as the
// room it must be given. The byte beyond MaxBody tells whether there is more.
var bodies = sync.Pool{New: func() any { return new([MaxBody + 1]byte) }}

// keep reads and closes the body of an answer, within the deadline of its
// context: at most MaxBody are kept, and a bounded rest is read for the
// connection's sake.
func keep(resp *http.Response) (body []byte, truncated bool) {
	defer func() { _ = resp.Body.Close() }() // closing a body that is not at its end ends the connection
	if resp.Body == http.NoBody {
		return nil, false
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, true // what follows is another protocol, which nobody asked for
	}
	buf := bodies.Get().(*[MaxBody + 1]byte)
	defer bodies.Put(buf)
	n, err := fill(resp.Body, buf[:])
	if n > MaxBody {
		drain(resp)
	}
	if kept := min(n, MaxBody); kept > 0 {
		body = slices.Clone(buf[:kept])
	}
	return body, err != io.EOF || n > MaxBody
}

// fill reads until buf is full or the reader ends. The error tells a body that
// ended from one that broke off, which io.ReadFull does not.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// drain reads the rest of a body where that is little and saves a connection.
// In HTTP/2 the stream alone is closed, so there is nothing to save.
func drain(resp *http.Response) {
	if resp.ProtoMajor == 1 && !resp.Close && resp.ContentLength <= MaxBody+maxDrain {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	}
}
