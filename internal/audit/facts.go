package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// Facts are what the log may tell of a row, by name: texts, numbers, lists, and
// facts within facts. What a row does not have is not in them.
type Facts map[string]any

// encode is the JSON that is stored, ordered by name; nil for no facts.
func (f Facts) encode() ([]byte, error) {
	if len(f) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // nobody puts it into HTML as it is, and an & stays one
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// What the log says of a secret.
const (
	isSet   = "set"     // there is one
	changed = "changed" // there was one before, too, and it was another one
)

// secret is a value that is compared and never told.
type secret struct{ value string }

// MarshalText implements encoding.TextMarshaler.
func (secret) MarshalText() ([]byte, error) { return []byte(isSet), nil }

// String keeps the value out of what is printed.
func (secret) String() string { return isSet }

// Secret is a fact of which the log tells no more than that it is there.
func Secret(value string) any { return secret{value} }

// masked is a value that is compared as a whole and told in part.
type masked struct{ whole, shown string }

// MarshalText implements encoding.TextMarshaler.
func (m masked) MarshalText() ([]byte, error) { return []byte(m.shown), nil }

// String keeps the whole out of what is printed.
func (m masked) String() string { return m.shown }

// Change is what an action has made of a row.
type Change struct{ Before, After Facts }

// Empty reports whether nothing is different.
func (c Change) Empty() bool { return len(c.Before) == 0 && len(c.After) == 0 }

// Made is the change that made a row.
func Made(f Facts) Change { return Change{After: f} }

// Gone is the change that ended a row.
func Gone(f Facts) Change { return Change{Before: f} }

// Diff keeps what is different. A text that is told in part and looks the same on
// both sides is different in what is not told.
func Diff(before, after Facts) Change {
	c := Change{Before: Facts{}, After: Facts{}}
	for name, b := range before {
		a, still := after[name]
		switch {
		case !still:
			c.Before[name] = b
		case !reflect.DeepEqual(b, a):
			c.set(name, b, a)
		}
	}
	for name, a := range after {
		if _, already := before[name]; !already {
			c.After[name] = a
		}
	}
	return c
}

// set keeps a fact that both sides have, with other values.
func (c Change) set(name string, before, after any) {
	c.Before[name], c.After[name] = before, after
	switch b := before.(type) {
	case secret:
		if _, ok := after.(secret); ok {
			c.After[name] = changed
		}
	case Facts:
		if a, ok := after.(Facts); ok {
			within := Diff(b, a)
			c.Before[name], c.After[name] = within.Before, within.After
		}
	}
}
