package sender

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
)

// Class says why an attempt has no HTTP answer. It is all that anyone outside
// hears of the failure. The values are stored: they never change.
type Class string

// The classes. Every attempt without an HTTP status has one of them.
const (
	Timeout        Class = "timeout"         // the deadline passed, in whatever phase; the timings say which
	DNS            Class = "dns"             // the host's name could not be resolved
	Connect        Class = "connect"         // no connection: refused, unreachable
	TLS            Class = "tls"             // no trusted TLS connection
	Closed         Class = "closed"          // the connection was closed or reset before an answer
	Protocol       Class = "protocol"        // the answer is not HTTP, or its header is over the limit
	Blocked        Class = "blocked"         // the address may not be dialled
	URLTooLong     Class = "url_too_long"    // a GET whose event does not fit the URL; nothing was sent
	InvalidRequest Class = "invalid_request" // what is stored breaks a rule of this package; nothing was sent
	Canceled       Class = "canceled"        // the caller's context ended first; the receiver may have the event
	Local          Class = "local"           // this process has no more files or memory for a connection; nothing was sent
)

// Permanent reports whether every further attempt of the same event must end
// alike, so that none is worth making.
func (c Class) Permanent() bool { return c == URLTooLong || c == InvalidRequest }

// OurSide reports whether the attempt says nothing about the receiver: it was
// this process that could not go on.
func (c Class) OurSide() bool { return c == Canceled || c == Local }

// classify turns the error of a round trip into its class. It goes by the
// error's type and by how far the attempt had come, never by its text.
// caller is the context that Send was given, own the one with the deadline.
func classify(caller, own context.Context, p progress, err error) Class {
	switch {
	case errors.Is(err, ErrBlocked):
		return Blocked
	case caller.Err() != nil:
		return Canceled
	case own.Err() != nil:
		return Timeout
	case isExhaustion(err):
		return Local
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return DNS
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return Timeout // of the dial or the handshake, which have bounds of their own
	}
	if p.tlsFailed {
		return TLS
	}
	if !p.gotConn {
		return Connect
	}
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case isOp && (op.Op == "remote error" || op.Op == "local error"):
		return TLS // an alert: with TLS 1.3 a refusal may follow the handshake
	case isOp, !p.firstByte, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	}
	return Protocol
}

// isExhaustion reports whether the system refused this process a resource. A
// receiver must not be blamed for it.
func isExhaustion(err error) bool {
	for _, no := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
