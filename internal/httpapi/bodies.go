package httpapi

import (
	"io"
	"net/http"

	"golang.org/x/sync/semaphore"

	"datapusher/internal/problem"
)

// maxBodies is how many bytes of large bodies are in memory at a time, from their
// arrival to the answer. What is committed is counted elsewhere.
const maxBodies = 256 << 20

// bodies bounds the memory of the bodies that are being read. It counts what has
// come, not what was announced: announcing costs a client nothing. The first
// firstRead bytes of a body are not counted, so common events are taken however
// many large ones come; and callers of whom nothing is known yet get a quarter.
type bodies struct {
	all, strangers *semaphore.Weighted
}

func newBodies(most int64) *bodies {
	return &bodies{all: semaphore.NewWeighted(most), strangers: semaphore.NewWeighted(most / 4)}
}

func (b *bodies) take(n int64, known bool) bool {
	if !known && !b.strangers.TryAcquire(n) {
		return false
	}
	if b.all.TryAcquire(n) {
		return true
	}
	if !known {
		b.strangers.Release(n)
	}
	return false
}

func (b *bodies) give(n int64, known bool) {
	b.all.Release(n)
	if !known {
		b.strangers.Release(n)
	}
}

// watch counts a request's body, if it may be large. The count ends with release.
func (b *bodies) watch(r *http.Request, rec *record) (release func()) {
	if 0 <= r.ContentLength && r.ContentLength <= firstRead {
		return func() {}
	}
	body := &countedBody{ReadCloser: r.Body, of: b, rec: rec}
	r.Body = body
	return body.release
}

// countedBody is a body that takes room as it comes.
type countedBody struct {
	io.ReadCloser
	of    *bodies
	rec   *record
	come  int64
	held  int64
	known bool // whose room it is
	err   error
}

// bodyStep is how much room is taken at once.
const bodyStep = 64 << 10

// Read implements io.Reader. It fails with unavailable where there is no room.
func (b *countedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	b.come += int64(n)
	for b.come-firstRead > b.held {
		if b.held == 0 {
			b.known = !b.rec.known.IsZero()
		}
		if !b.of.take(bodyStep, b.known) {
			b.err = problem.New(problem.Unavailable, "more large bodies arrive than there is room for; send it again in a second")
			return 0, b.err
		}
		b.held += bodyStep
	}
	return n, err
}

func (b *countedBody) release() {
	if b.held > 0 {
		b.of.give(b.held, b.known)
		b.held = 0
	}
}
