package cli

import (
	"fmt"
	"strings"
)

// Error is what a server answers instead of a result.
type Error struct {
	// Code is one of the server's: invalid, unauthenticated, forbidden, not_found,
	// conflict, too_large, unsupported_media, rate_limited, unavailable, internal.
	Code      string
	Message   string
	Fields    []Field // with invalid
	RequestID string  // finds the line in the server's log
	Hint      string  // what to do here about it
}

// Field says what is wrong with one argument.
type Field struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Code, e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n  %s %s", f.Name, f.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "\n%s", e.Hint)
	}
	return b.String()
}

// ExitCode is the status of the process: 2 invalid, too_large and
// unsupported_media, 3 unauthenticated and forbidden, 4 not_found, 5 conflict, 6
// what may work later (rate_limited, unavailable), 1 everything else.
func (e *Error) ExitCode() int {
	switch e.Code {
	case codeInvalid, "too_large", "unsupported_media":
		return 2
	case "unauthenticated", "forbidden":
		return 3
	case "not_found":
		return 4
	case "conflict":
		return 5
	case codeLater, codeUnavailable:
		return 6
	}
	return 1
}

// invalid is the error of a command that cannot be meant, before anything is asked.
func invalid(format string, args ...any) error {
	return &Error{Code: codeInvalid, Message: fmt.Sprintf(format, args...)}
}

const (
	codeInvalid     = "invalid"
	codeLater       = "rate_limited"
	codeUnavailable = "unavailable"
)
