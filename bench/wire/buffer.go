package wire

import (
	"io"
)

// buffer is what has been read of a connection and not been used. What take has
// given stays as it is until compact, which begins the next message.
type buffer struct {
	src  io.Reader
	b    []byte
	r, w int
}

func newBuffer(src io.Reader) buffer { return buffer{src: src, b: make([]byte, 4<<10)} }

func (b *buffer) window() []byte { return b.b[b.r:b.w] }

func (b *buffer) take(n int) []byte {
	b.r += n
	return b.b[b.r-n : b.r]
}

// compact gives up what has been taken.
func (b *buffer) compact() {
	b.w = copy(b.b, b.b[b.r:b.w])
	b.r = 0
}

// fill reads once.
func (b *buffer) fill() error {
	if b.w == len(b.b) {
		b.grow(1)
	}
	n, err := b.src.Read(b.b[b.w:])
	b.w += n
	if n > 0 {
		return nil // an error comes again
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// grow makes space for n bytes after what has been read, in memory of its own,
// so that what has been taken stays as it is.
func (b *buffer) grow(n int) {
	if len(b.b)-b.w >= n {
		return
	}
	next := make([]byte, max(2*len(b.b), b.w+n))
	copy(next, b.b[:b.w])
	b.b = next
}

// need waits for n bytes.
func (b *buffer) need(n int) error {
	if missing := n - (b.w - b.r); missing > 0 {
		b.grow(missing)
	}
	for b.w-b.r < n {
		if err := b.fill(); err != nil {
			if err == io.EOF {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
