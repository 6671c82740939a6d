package rig

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// journal is a file of lines of JSON. What has been written when write returns is
// on disk: those that write at the same time share an fsync.
type journal struct {
	file  *os.File
	queue chan entry
	stop  chan struct{}
	once  sync.Once
	ended chan struct{}
}

type entry struct {
	line []byte
	done chan error
}

var errClosed = errors.New("the journal is closed")

func openJournal(name string) (*journal, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, queue: make(chan entry, 1024), stop: make(chan struct{}), ended: make(chan struct{})}
	go j.run()
	return j, nil
}

func (j *journal) run() {
	defer close(j.ended)
	for {
		select {
		case first := <-j.queue:
			j.commit(first)
		case <-j.stop:
			return
		}
	}
}

// commit writes what waits.
func (j *journal) commit(first entry) {
	batch, text := []entry{first}, first.line
	for more := true; more; {
		select {
		case e := <-j.queue:
			batch, text = append(batch, e), append(text, e.line...)
		default:
			more = false
		}
	}
	_, err := j.file.Write(text)
	if err == nil {
		err = j.file.Sync()
	}
	for _, e := range batch {
		e.done <- err
	}
}

// write appends a value and returns when it is on disk.
func (j *journal) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	e := entry{append(line, '\n'), make(chan error, 1)}
	select {
	case j.queue <- e:
	case <-j.ended:
		return errClosed
	}
	select {
	case err := <-e.done:
		return err
	case <-j.ended:
		return errClosed
	}
}

// close ends it; what is written later fails.
func (j *journal) close() error {
	var err error
	j.once.Do(func() {
		close(j.stop)
		<-j.ended
		err = j.file.Close()
	})
	return err
}

// readJournal reads all lines of a journal.
func readJournal[T any](name string) ([]T, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	var all []T
	for in := json.NewDecoder(bufio.NewReader(f)); ; {
		var one T
		if err := in.Decode(&one); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, one)
	}
}
