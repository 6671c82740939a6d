package load

import (
	"io"
	"os"
	"sync"

	"datapusher/bench/load/ledger"
)

// file is where all connections record. The first error stays.
type file struct {
	mu  sync.Mutex
	w   io.WriteCloser
	err error
}

func openFile(name string) (*file, error) {
	if name == "" {
		return &file{}, nil
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return &file{w: w}, err
}

func (f *file) write(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		_, f.err = f.w.Write(b)
	}
}

func (f *file) close() error {
	if f.w == nil {
		return nil
	}
	if err := f.w.Close(); f.err == nil {
		f.err = err
	}
	return f.err
}

// journal gathers what one connection records, whole records at a time, so that
// those of several connections do not mix.
type journal struct {
	f *file
	b []byte
}

const journalSize = 2048 * ledger.RecordSize

func (j *journal) add(r ledger.Record) {
	if j.f.w == nil {
		return
	}
	if j.b = r.Append(j.b); len(j.b) >= journalSize {
		j.flush()
	}
}

func (j *journal) flush() {
	if len(j.b) > 0 {
		j.f.write(j.b)
		j.b = j.b[:0]
	}
}
