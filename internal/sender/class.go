package sender

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
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
	Blocked        Class = "blocked"         // the address may not be dialled, or the name is one that only an internal name server may know
	URLTooLong     Class = "url_too_long"    // a GET whose event does not fit the URL; nothing was sent
	InvalidRequest Class = "invalid_request" // what is stored breaks a rule of this package; nothing was sent
	Canceled       Class = "canceled"        // the caller's context ended first; the receiver may have the event
	Local          Class = "local"           // this process has no more files or memory for a connection; nothing was sent
)

// Permanent reports whether every further attempt of the same event must end
// alike, so that none is worth making.
func (c Class) Permanent() bool { return c == URLTooLong || c == InvalidRequest }

// blockedText is all that an owner hears of a blocked attempt.
const blockedText = "blocked by egress policy"

// texts are the classes in words for the owner of a destination.
var texts = map[Class]string{
	Timeout:        "no answer within the destination's timeout",
	DNS:            "the host's name could not be resolved",
	Connect:        "no connection: refused or unreachable",
	TLS:            "no trusted TLS connection",
	Closed:         "the connection was closed before an answer",
	Protocol:       "the answer is not HTTP, or its header is too large",
	Blocked:        blockedText,
	URLTooLong:     "the event does not fit the URL of a GET",
	InvalidRequest: "what is stored of the destination cannot be sent",
	Canceled:       "the attempt was cut off on our side",
	Local:          "the attempt could not be made on our side",
}

// Text says a class in words for the owner of a destination; "" where there is
// no class. Of an attempt that was blocked it is all that the owner hears.
func (c Class) Text() string {
	if text, ok := texts[c]; ok {
		return text
	}
	return string(c)
}

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
	if no, ok := errors.AsType[*net.DNSError](err); ok {
		if isInternal(no.Name) {
			return Blocked
		}
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

// internalDomains are those that no public name server has: reserved for inside
// use, or so common there that they never will be public (RFC 6761, RFC 6762
// appendix G, RFC 8375, and ICANN on internal, corp and home).
var internalDomains = []string{
	"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa", "localdomain",
}

// isInternal reports whether a name is one that an internal name server alone
// may know. Where such a name does not exist, the owner of a destination hears
// the same as where it resolves to an address that is not allowed: otherwise the
// two answers would tell which names there are inside.
//
// Of other names the difference remains: of a domain that is public outside and
// has more names inside, whoever guesses one learns by "blocked" that it exists,
// and no more. That is accepted, because an owner whose own name does not
// resolve has to hear it. An operator who does not accept it gives the process a
// name server that knows public names alone.
func isInternal(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !strings.Contains(name, ".") {
		return true
	}
	return slices.ContainsFunc(internalDomains, func(domain string) bool {
		return strings.HasSuffix(name, "."+domain)
	})
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
