package httpapi

import (
	"errors"
	"io"
	"net/http"

	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// maxChange is the longest body, in bytes, of a change of an account or a
// destination. An event's is ingest.MaxPayload.
const maxChange = 256 << 10

// firstRead is how much of a body gets room before it has come: a client that
// announces much and sends nothing must not hold memory.
const firstRead = 32 << 10

// readBody reads a body of at most limit bytes, in one piece of memory that
// belongs to the caller.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	size := r.ContentLength // -1: not announced
	if size > limit {
		return nil, tooLarge(limit)
	}
	room := size
	if size < 0 {
		room = 4 << 10
	}
	body := make([]byte, 0, min(room, firstRead))
	for from := http.MaxBytesReader(w, r.Body, limit); int64(len(body)) != size; {
		if len(body) == cap(body) {
			body = grow(body, size)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF && size < 0 {
			break
		}
		if err != nil && int64(len(body)) != size {
			return nil, unread(err, limit)
		}
	}
	return body, nil
}

// grow doubles the room, up to what was announced.
func grow(body []byte, size int64) []byte {
	room := 2*cap(body) + 1
	if size >= 0 {
		room = min(room, int(size))
	}
	return append(make([]byte, 0, room), body...)
}

func tooLarge(limit int64) error {
	return problem.New(problem.TooLarge, "the body must have at most %d bytes", limit)
}

func unread(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p // there is no room
	}
	return problem.Wrap(err, problem.Invalid, "the body did not arrive whole")
}

// checkJSON makes a caller's error of what is wrong with a JSON text.
func checkJSON(field string, text []byte, maxDepth int) error {
	if err := jsoncheck.Check(text, maxDepth); err != nil {
		return problem.Fields{{Name: field, Message: err.Error()}}.Err()
	}
	return nil
}
