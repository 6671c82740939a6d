package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Request is what a client asks. It is valid until its answer is given.
type Request struct {
	message
	Method []byte
	Target []byte // path and query, as they came
	Body   []byte
	Close  bool // the client wants no more answers on this connection
}

// Handler answers the requests of one connection, one after the other. Without an
// answer the client waits until it gives up, or the server is closed.
type Handler func(*Request) *Answer

// Server answers requests.
type Server struct {
	listener net.Listener
	handler  func(done <-chan struct{}) Handler
	done     chan struct{}

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once the server is closed
	all   sync.WaitGroup
}

// Serve begins to answer what comes through a listener. Each connection has a
// handler of its own, so that a handler can have state without locks. One that
// waits has to mind done, which is closed when the server is.
func Serve(l net.Listener, handler func(done <-chan struct{}) Handler) *Server {
	s := &Server{listener: l, handler: handler, done: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	s.all.Go(s.accept)
	return s
}

// Close ends the server with all its connections, and waits for its handlers.
func (s *Server) Close() error {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	if conns == nil {
		return nil
	}
	close(s.done)
	err := s.listener.Close()
	for c := range conns {
		_ = c.Close()
	}
	s.all.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // of one connection, or too many open files, which ends by itself
			select {
			case <-s.done:
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		if s.add(c) {
			s.all.Go(func() {
				s.serve(c)
				s.remove(c)
			})
		}
	}
}

func (s *Server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close()
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

var (
	goOn       = []byte("HTTP/1.1 100 Continue\r\n\r\n")
	badRequest = NewAnswer(http.StatusBadRequest, nil)
	tooLarge   = NewAnswer(http.StatusRequestEntityTooLarge, nil)
)

// serve answers the requests of a connection until either side has enough.
func (s *Server) serve(c net.Conn) {
	in := newBuffer(c)
	handle := s.handler(s.done)
	var r Request
	var spare []byte
	for {
		var err error
		if spare, err = r.read(&in, c, spare); err != nil {
			switch err {
			case ErrMalformed:
				_, _ = c.Write(badRequest.bytes(true, false))
			case ErrTooLarge:
				_, _ = c.Write(tooLarge.bytes(true, false))
			}
			return
		}
		a := handle(&r)
		if a == nil {
			_, _ = io.Copy(io.Discard, c)
			return
		}
		if _, err := c.Write(a.bytes(r.Close, string(r.Method) == http.MethodHead)); err != nil || r.Close {
			return
		}
	}
}

// read reads a request. A client that asks whether it may send the body is told so.
func (r *Request) read(in *buffer, c io.Writer, spare []byte) ([]byte, error) {
	if err := r.readHead(in); err != nil {
		return spare, err
	}
	var version []byte
	var ok bool
	if r.Method, version, ok = bytes.Cut(r.start, []byte(" ")); !ok {
		return spare, ErrMalformed
	}
	if r.Target, version, ok = bytes.Cut(version, []byte(" ")); !ok {
		return spare, ErrMalformed
	}
	switch string(version) {
	case "HTTP/1.1":
		r.Close = r.names("Connection", "close")
	case "HTTP/1.0":
		r.Close = true // to keep such a connection would have to be announced
	default:
		return spare, ErrMalformed
	}
	kind, n, err := r.bodyOf(counted)
	if err != nil {
		return spare, err
	}
	if (n > 0 || kind == chunked) && in.r == in.w && r.names("Expect", "100-continue") {
		if _, err := c.Write(goOn); err != nil {
			return spare, err
		}
	}
	spare, err = r.readBody(in, kind, n, spare)
	r.Body = r.body
	return spare, err
}
