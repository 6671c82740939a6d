package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"
)

// maxPage is the largest page that the server gives.
const maxPage = 100

// Page is how much of a list a command shows.
type Page struct {
	Limit int  `default:"20" help:"How many at most."`
	All   bool `help:"All of them, however many."`
}

// page is one of a list, as it lies at the path of the answer.
type page struct {
	Edges []struct {
		Node json.RawMessage `json:"node"`
	} `json:"edges"`
	PageInfo struct {
		HasNextPage bool   `json:"hasNextPage"`
		EndCursor   string `json:"endCursor"`
	} `json:"pageInfo"`
}

// list prints a list, page after page, whose connection lies at path.
func (c *client) list(ctx context.Context, p Page, l *table, document string, variables map[string]any, path ...string) error {
	left := p.Limit
	if !p.All && left < 1 {
		return invalid("--limit must be at least 1")
	}
	for more := true; more; {
		n := maxPage
		if !p.All {
			n = min(n, left)
		}
		variables["first"] = n
		var answer json.RawMessage
		if err := c.query(ctx, document, variables, &answer); err != nil {
			return err
		}
		raw, err := within(answer, path...)
		if err != nil {
			return err
		}
		var got page
		if err := json.Unmarshal(raw, &got); err != nil {
			return err
		}
		for _, e := range got.Edges {
			if err := l.add(e.Node); err != nil {
				return err
			}
		}
		left -= len(got.Edges)
		variables["after"] = got.PageInfo.EndCursor
		more = got.PageInfo.HasNextPage && (p.All || left > 0)
	}
	return nil
}

// errNotThere is the answer of a query for something that is not there, or that
// the token may not see.
func errNotThere(what string) error {
	return &Error{Code: "not_found", Message: "there is no such " + what + " that the token may see"}
}

// within is the member of an answer that the names lead to; what is null on the
// way is not there.
func within(answer json.RawMessage, path ...string) (json.RawMessage, error) {
	for _, name := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(answer, &object); err != nil {
			return nil, err
		}
		if answer = object[name]; len(answer) == 0 || bytes.Equal(answer, []byte("null")) {
			return nil, errNotThere(path[0])
		}
	}
	return answer, nil
}

// get prints one object.
func (c *client) get(ctx context.Context, t *Terminal, o Output, columns []column, document, name, id string) error {
	var answer json.RawMessage
	if err := c.query(ctx, document, map[string]any{"id": id}, &answer); err != nil {
		return err
	}
	object, err := within(answer, name)
	if err != nil {
		return err
	}
	return o.one(t, object, columns)
}

// change runs a mutation and gives its payload.
func (c *client) change(ctx context.Context, document, name string, input map[string]any) (json.RawMessage, error) {
	var answer map[string]json.RawMessage
	err := c.query(ctx, document, map[string]any{"input": input}, &answer)
	return answer[name], err
}

// object is what a command sends of what was given: no value, no member.
type object map[string]any

func (o object) text(name, value string) object {
	if value != "" {
		o[name] = value
	}
	return o
}

func (o object) list(name string, values []string) object {
	if len(values) > 0 {
		o[name] = values
	}
	return o
}

// given takes what may be the empty value, too, where it was said.
func given[T any](o object, name string, value *T) {
	if value != nil {
		o[name] = *value
	}
}

// Moment is a time, as RFC 3339 writes it, or how long it is from now: "2h" after
// it, "-2h" before.
type Moment struct{ time.Time }

// UnmarshalText reads it.
func (m *Moment) UnmarshalText(text []byte) error {
	if d, err := time.ParseDuration(string(text)); err == nil {
		m.Time = time.Now().Add(d)
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a time such as 2030-01-31T12:00:00Z nor a span from now such as 2h or -30m", text)
	}
	m.Time = at
	return nil
}

func (m *Moment) put(o object, name string) {
	if m != nil {
		o[name] = m.UTC().Format(time.RFC3339Nano)
	}
}

// Ago is a time that is over, as RFC 3339 writes it, or how long ago it was: "24h"
// or "-24h".
type Ago Moment

// Decode is for kong, which takes "-24h" for a flag where nobody asks for it.
func (a *Ago) Decode(c *kong.DecodeContext) error {
	text := c.Scan.Pop().String()
	if d, err := time.ParseDuration(text); err == nil {
		text = (-d.Abs()).String()
	}
	return (*Moment)(a).UnmarshalText([]byte(text))
}

func (a *Ago) put(o object, name string) { (*Moment)(a).put(o, name) }

// payload is a JSON text of the command line: itself, or the content of @file, or
// of standard input where it is "-".
func payload(t *Terminal, given string) (string, error) {
	switch {
	case given == "-":
		var b bytes.Buffer
		_, err := b.ReadFrom(t.In)
		return b.String(), err
	case len(given) > 0 && given[0] == '@':
		text, err := os.ReadFile(given[1:])
		return string(text), err
	}
	return given, nil
}
