package dbcopy

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"entgo.io/ent/schema/field"
)

// kind is what a column holds, whatever a database makes of it.
type kind int

const (
	text kind = iota + 1
	moment
	blob
	truth
	whole
	number
	document // JSON
)

func kindOf(t field.Type) (kind, error) {
	switch t {
	case field.TypeString, field.TypeEnum:
		return text, nil
	case field.TypeTime:
		return moment, nil
	case field.TypeBytes:
		return blob, nil
	case field.TypeBool:
		return truth, nil
	case field.TypeInt, field.TypeInt8, field.TypeInt16, field.TypeInt32, field.TypeInt64:
		return whole, nil
	case field.TypeFloat64:
		return number, nil
	case field.TypeJSON:
		return document, nil
	}
	return 0, fmt.Errorf("nothing is known about columns of the type %s", t)
}

var errNotText = errors.New("the text has bytes that Postgres does not keep: it is not UTF-8, or has a zero byte")

// normal gives a value that a driver has read in the form in which it is the same on
// both databases: times in UTC and to the microsecond, which is what Postgres keeps;
// JSON without spaces and with its members in order; nil stays nil. Postgres takes it
// as it is.
func (k kind) normal(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if s, ok := v.([]byte); ok && k != blob {
		v = string(s)
	}
	switch k {
	case text:
		if s, ok := v.(string); ok {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return nil, errNotText
			}
			return s, nil
		}
	case moment:
		if t, ok := v.(time.Time); ok {
			return t.UTC().Round(time.Microsecond), nil
		}
	case blob:
		switch b := v.(type) {
		case []byte:
			return b, nil
		case string:
			return []byte(b), nil
		}
	case truth:
		switch b := v.(type) {
		case bool:
			return b, nil
		case int64:
			return b != 0, nil
		}
	case whole:
		if n, ok := v.(int64); ok {
			return n, nil
		}
	case number:
		switch n := v.(type) {
		case float64:
			return n, nil
		case int64:
			return float64(n), nil
		}
	case document:
		if s, ok := v.(string); ok {
			return canonical(s)
		}
	}
	return nil, fmt.Errorf("a %T was not expected here", v)
}

// canonical is JSON without spaces, with each object's members by name.
func canonical(s string) (string, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("the JSON cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("the JSON has something behind it")
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// row is one of a table, in normal form.
type row struct {
	id     string
	values []any
	size   int               // roughly what it takes in memory, in bytes
	sum    [sha256.Size]byte // of all values, each with its length
}

// close computes size and sum.
func (r *row) close() {
	var buffer []byte
	for _, v := range r.values {
		buffer = encode(buffer, v)
	}
	r.size, r.sum = len(buffer), sha256.Sum256(buffer)
}

// encode appends a value so that no two rows are written alike.
func encode(to []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(to, 0)
	case string:
		to = binary.BigEndian.AppendUint64(append(to, 1), uint64(len(v)))
		return append(to, v...)
	case []byte:
		to = binary.BigEndian.AppendUint64(append(to, 2), uint64(len(v)))
		return append(to, v...)
	case time.Time:
		return binary.AppendVarint(append(to, 3), v.UnixMicro())
	case int64:
		return binary.AppendVarint(append(to, 4), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(to, 5), math.Float64bits(v))
	case bool:
		if v {
			return append(to, 6, 1)
		}
		return append(to, 6, 0)
	}
	panic(fmt.Sprintf("a normal value is no %T", v)) // normal gives these alone
}
