// Package problem is the one error type that a caller may see. An error is
// coded once, where it arises; each door maps the code once: GraphQL to
// extensions.code, REST to a status and an RFC 9457 problem document, the
// seed's doors to their own shape.
package problem

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of error it is. Callers may switch on it: codes never change.
type Code string

// The codes, with the HTTP status of each.
const (
	Invalid          Code = "invalid"            // 400 the request breaks a rule; the fields say which
	Unauthenticated  Code = "unauthenticated"    // 401 no credential, or not a valid one
	Forbidden        Code = "forbidden"          // 403 the credential does not cover this
	NotFound         Code = "not_found"          // 404 there is no such thing, or it is another account's
	MethodNotAllowed Code = "method_not_allowed" // 405
	Conflict         Code = "conflict"           // 409 it contradicts what is stored
	TooLarge         Code = "too_large"          // 413
	UnsupportedMedia Code = "unsupported_media"  // 415 the content type is not JSON
	RateLimited      Code = "rate_limited"       // 429
	Internal         Code = "internal"           // 500 our side failed; the log has the cause under the request id
	Unavailable      Code = "unavailable"        // 503 not now; try again
)

// Codes lists every code, for tables that must cover them all.
var Codes = []Code{
	Invalid, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, Conflict,
	TooLarge, UnsupportedMedia, RateLimited, Internal, Unavailable,
}

// Field is one rule that one field of the input breaks.
type Field struct {
	Name    string `json:"name"`    // path in the input, such as "headers[1].name"
	Message string `json:"message"` // what to do, as a sentence without a full stop
}

// Error is a coded error. Message and Fields are for the caller; the wrapped
// cause is for the log alone and never leaves the process.
type Error struct {
	Code    Code
	Message string
	Fields  []Field
	cause   error
}

// New makes an error with a message that says what to do.
func New(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error whose cause is for the log alone.
func Wrap(cause error, c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...), cause: cause}
}

// Error is the text for logs: message, fields and cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Name, f.Message)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// From finds the coded error in err. What carries none is internal: its text
// is not shown.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Wrap(err, Internal, "something went wrong on our side; the request id finds it in the log")
}

// CodeOf is the code of err; "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}

// Fields collects the rules that an input breaks, so that a caller hears of all
// of them at once. The zero value is ready for use.
type Fields []Field

// Add notes that a field breaks a rule.
func (f *Fields) Add(name, format string, args ...any) {
	*f = append(*f, Field{Name: name, Message: fmt.Sprintf(format, args...)})
}

// Err is nil when no rule was broken, otherwise an invalid error with all fields.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: "the input is not valid", Fields: f}
}
