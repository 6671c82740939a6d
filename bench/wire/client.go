package wire

import (
	"io"
	"net"
	"strings"
	"time"
)

// Client is one connection to a server. It is for one goroutine.
type Client struct {
	conn   net.Conn
	in     buffer
	answer Response
	spare  []byte
}

// Response is what a server answered. It is valid until the connection's next.
type Response struct {
	message
	Status int
	Body   []byte
	Close  bool // the server takes no more requests on this connection
}

// NewClient makes a client of a connection.
func NewClient(conn net.Conn) *Client { return &Client{conn: conn, in: newBuffer(conn)} }

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// SetDeadline is that of the connection.
func (c *Client) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// Do writes a whole request, which must not be HEAD, and reads the answer. After
// an error, or an answer with Close, the connection is of no more use.
func (c *Client) Do(request []byte) (*Response, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	a := &c.answer
	for {
		if err := a.readHead(&c.in); err != nil {
			return nil, err
		}
		if err := a.parseStart(); err != nil {
			return nil, err
		}
		if a.Status >= 200 {
			break
		}
	}
	kind, n, err := a.bodyOf(untilEOF)
	if err != nil {
		return nil, err
	}
	if a.Status == 204 || a.Status == 304 {
		kind, n = counted, 0
	}
	a.Close = a.Close || kind == untilEOF
	if c.spare, err = a.readBody(&c.in, kind, n, c.spare); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	a.Body = a.body
	return a, nil
}

// parseStart reads the status line, such as "HTTP/1.1 202 Accepted".
func (a *Response) parseStart() error {
	const version = len("HTTP/1.1")
	l := a.start
	if len(l) < version+4 || !strings.HasPrefix(string(l[:version]), "HTTP/1.") || l[version] != ' ' {
		return ErrMalformed
	}
	status, ok := number(l[version+1 : version+4])
	if !ok || status < 100 || status == 101 {
		return ErrMalformed
	}
	a.Status = status
	a.Close = a.names("Connection", "close") || l[version-1] == '0' && !a.names("Connection", "keep-alive")
	return nil
}
