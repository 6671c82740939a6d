package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Between two tries to follow a stream that has broken off.
const (
	firstAgain = 250 * time.Millisecond
	lastAgain  = 10 * time.Second
)

// errEnded is the end of a stream that the server has not refused.
var errEnded = errors.New("the stream ended")

// maxShown is how much of what was shown is remembered at least: a server tells at
// most 4,000 changes a second, and goes back ten seconds.
const maxShown = 40_000

// state is how something stood when it was shown; events stay as they are.
type state struct {
	Status       string
	AttemptCount int
}

// shown is what has been shown lately, by id: the last maxShown, and as many before.
type shown struct{ recent, before map[string]state }

// again notes how something stands, and tells whether that was the last shown of it.
func (s *shown) again(id string, now state) bool {
	last, known := s.recent[id]
	if !known {
		last, known = s.before[id]
	}
	if s.recent == nil || len(s.recent) >= maxShown {
		s.recent, s.before = map[string]state{}, s.recent
	}
	s.recent[id] = now
	return known && last == now
}

// follow gives each payload of a subscription's one field to handle, and goes on
// where it was when the connection breaks off, until ctx ends or the server
// refuses. Another process tells some of it again; that is left out.
func (c *client) follow(ctx context.Context, t *Terminal, document string, variables map[string]any, handle func(payload json.RawMessage) error) error {
	again, broken := firstAgain, false
	var before shown
	for {
		err := c.stream(ctx, document, variables, func(payload json.RawMessage) error {
			if broken {
				broken = false
				t.note("connected again")
			}
			again = firstAgain
			var at struct {
				Cursor   string
				Skipped  int
				Event    struct{ ID string }
				Delivery struct {
					ID string
					state
				}
			}
			if err := json.Unmarshal(payload, &at); err != nil {
				return err
			}
			if !before.again(cmp.Or(at.Event.ID, at.Delivery.ID), at.Delivery.state) || at.Skipped > 0 {
				if err := handle(payload); err != nil {
					return err
				}
			}
			variables["after"] = at.Cursor
			return nil
		})
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the user has seen enough
		}
		var refused *Error
		if errors.As(err, &refused) && refused.Code != codeUnavailable && refused.Code != codeLater {
			return err
		}
		if !broken {
			broken = true
			missing := ""
			if variables["after"] == nil {
				missing = "; what happens until then may be missing"
			}
			t.note("%v; connecting again%s", err, missing)
		}
		_ = pause(ctx, again) // the next try ends with ctx
		again = min(2*again, lastAgain)
	}
}

// stream runs a subscription over server-sent events, in the protocol graphql-sse
// with a connection for each:
// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
func (c *client) stream(ctx context.Context, document string, variables map[string]any, handle func(payload json.RawMessage) error) error {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	q, err := c.request(ctx, "/graphql", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Accept", "text/event-stream")
	streaming := *c.http
	streaming.Timeout = 0 // it lasts as long as it is looked at
	a, err := streaming.Do(q)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream") {
		answer, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
		if err != nil {
			return c.unreachable(ctx, err)
		}
		return refusal(a.StatusCode, answer)
	}
	return readEvents(a.Body, func(kind string, data []byte) error {
		if kind != "next" {
			return nil
		}
		var result struct {
			Data   map[string]json.RawMessage
			Errors []graphError
		}
		if err := json.Unmarshal(data, &result); err != nil {
			return err
		}
		if len(result.Errors) > 0 {
			return result.Errors[0].error()
		}
		for _, payload := range result.Data {
			if err := handle(payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusal is the error of an answer that is no stream.
func refusal(status int, answer []byte) error {
	var result struct{ Errors []graphError }
	if json.Unmarshal(answer, &result) == nil && len(result.Errors) > 0 {
		return result.Errors[0].error()
	}
	return problemOf(status, answer)
}

// readEvents takes server-sent events apart, as far as the protocol uses them:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
func readEvents(r io.Reader, handle func(kind string, data []byte) error) error {
	lines := bufio.NewReader(r)
	var kind string
	var data []byte
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return errEnded
		}
		line = bytes.TrimRight(line, "\r\n")
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			kind = string(value)
		case "data":
			data = append(append(data, value...), '\n')
		case "":
			if len(line) > 0 || kind == "" {
				continue // a comment keeps the connection alive
			}
			if kind == "complete" {
				return errEnded
			}
			if err := handle(kind, bytes.TrimSuffix(data, []byte("\n"))); err != nil {
				return err
			}
			kind, data = "", data[:0]
		}
	}
}
