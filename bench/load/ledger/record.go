package ledger

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
)

// Kind tells what is known of an event.
type Kind byte

const (
	// Accepted is an event that the door has promised to deliver.
	Accepted Kind = 1
	// Uncertain is an event that the door may have stored without the sender
	// knowing: the answer was lost, or was a failure of the server. It has no id.
	Uncertain Kind = 2
)

// Record is what a generator notes of an event.
type Record struct {
	ID      ID // zero where the event is uncertain
	Number  uint64
	Account uint32 // the index of the account
	Kind    Kind
}

// RecordSize is the size of a record in a file: number and id, account, kind and
// three bytes that tell where a record ends. Little endian, without a head, so
// that files may be joined and several generators may append to one.
const RecordSize = 32

const mark = "DP\n"

// Append appends a record as it stands in a file.
func (r Record) Append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, r.Number)
	to = append(to, r.ID[:]...)
	to = binary.LittleEndian.AppendUint32(to, r.Account)
	to = append(to, byte(r.Kind))
	return append(to, mark...)
}

// Read gives the records of a file up to its end or the first error.
func Read(from io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := bufio.NewReaderSize(from, 1<<16)
		var b [RecordSize]byte
		for {
			if _, err := io.ReadFull(in, b[:]); err == io.EOF {
				return
			} else if err != nil {
				yield(Record{}, fmt.Errorf("read a record: %w", err))
				return
			}
			r := Record{
				Number: binary.LittleEndian.Uint64(b[:]), ID: ID(b[8:24]),
				Account: binary.LittleEndian.Uint32(b[24:]), Kind: Kind(b[28]),
			}
			if string(b[29:]) != mark || r.Kind != Accepted && r.Kind != Uncertain {
				yield(Record{}, fmt.Errorf("no record: %q", b))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ReadFile gives the records of the file with that name.
func ReadFile(name string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f, err := os.Open(name)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer f.Close() //nolint:errcheck // nothing was written
		Read(f)(yield)
	}
}
