package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/ent"
	"datapusher/graph/scalar"
	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// eventStream is the media type of server-sent events. What is in them is after
// graphql-sse, in its mode of a connection for each operation:
// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
const eventStream = "text/event-stream"

// wantsEvents reports whether an operation is to be answered with events. Clients
// that can read them say so for queries, too, and mean the JSON that they name
// before.
func wantsEvents(r *http.Request, kind ast.Operation) bool {
	events, other := false, false
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			switch media, _, _ := mime.ParseMediaType(part); media {
			case eventStream:
				events = true
			case plainJSON, graphqlJSON, "*/*", "application/*":
				other = true
			}
		}
	}
	return events && (kind == ast.Subscription || !other)
}

type resumeKey struct{}

// resumed is where the client of a context was before its connection broke; nil:
// nowhere. It comes after what its operation says, which says the same each time.
func resumed(ctx context.Context) *ent.Cursor {
	c, _ := ctx.Value(resumeKey{}).(*ent.Cursor)
	return c
}

// sendEvents answers an operation with events until it is over. An error means
// that nothing has been answered.
func (s *streams) sendEvents(w http.ResponseWriter, r *http.Request, op *graphql.OperationContext) error {
	v := auth.From(r.Context())
	switch {
	case v == nil:
		return auth.Denied()
	case s.auth == nil:
		return problem.New(problem.Unavailable, "there are no server-sent events here")
	}
	ctx, cancel := context.WithCancel(graphql.StartOperationTrace(r.Context()))
	defer cancel()
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		c, err := scalar.UnmarshalCursor(last)
		if err != nil {
			return problem.New(problem.Invalid, "Last-Event-ID is not one that a subscription has given")
		}
		ctx = context.WithValue(ctx, resumeKey{}, &c)
	}
	if !s.enter() {
		return problem.New(problem.Unavailable, "there are too many connections: try again")
	}
	holds := nobody
	defer func() { s.leave(holds) }()
	if !s.become(holderOf(v)) {
		return problem.New(problem.RateLimited, "there are %d connections already: close one", s.limits.Connections)
	}
	holds = holderOf(v)
	defer context.AfterFunc(s.ctx, cancel)()
	watched, stop := s.auth.Watch(ctx, v)
	defer stop()

	a, err := s.begin(auth.With(watched, v), op)
	if err != nil {
		return err
	}
	defer a.cancel()
	e := &events{w: w, control: http.NewResponseController(w), limit: s.limits.Write, stop: cancel}
	e.begin() // after the subscription: who reads it knows that it stands
	ended := make(chan struct{})
	defer func() { <-ended }()
	go func() {
		defer close(ended)
		e.keepAlive(watched, s.limits.Ping)
	}()
	defer cancel()
	s.send(a, e)
	if s.ctx.Err() == nil && r.Context().Err() == nil {
		switch cause := context.Cause(watched); {
		case errors.Is(cause, auth.ErrRevoked):
			s.sendError(ctx, e, auth.Denied())
		case errors.Is(cause, auth.ErrUnchecked):
			s.sendError(ctx, e, problem.New(problem.Unavailable, "the credential cannot be checked now"))
			return nil // without an end: the client comes back
		}
		e.send("complete", "", nil)
	}
	return nil
}

// answers are those of an operation that goes on.
type answers struct {
	ctx     context.Context
	cancel  context.CancelFunc
	next    graphql.ResponseHandler
	marks   *marks
	endless bool
}

// begin begins an operation.
func (s *streams) begin(ctx context.Context, op *graphql.OperationContext) (a answers, err error) {
	a = answers{cancel: func() {}, endless: op.Operation.Operation == ast.Subscription}
	if a.endless {
		ctx = withBounds(ctx, s.maxTime)
	} else {
		ctx, a.cancel = context.WithTimeout(ctx, s.maxTime)
	}
	defer func() {
		if v := recover(); v != nil {
			a.cancel()
			err = recovered(ctx, v)
		}
	}()
	ctx, a.marks = withMarks(ctx)
	a.next, a.ctx = s.exec.DispatchOperation(ctx, op)
	return a, nil
}

// send sends what an operation answers, until there is no more.
func (s *streams) send(a answers, e *events) {
	defer func() {
		if v := recover(); v != nil {
			s.sendError(a.ctx, e, recovered(a.ctx, v))
		}
	}()
	for {
		response := a.next(a.ctx)
		if response == nil || a.ctx.Err() != nil && a.endless {
			return
		}
		mark := ""
		if c := a.marks.pop(); c != nil {
			mark = cursorText(*c)
		}
		payload, err := json.Marshal(response)
		if err != nil {
			panic(err) // a marshaler of ours wrote no JSON
		}
		if !e.send("next", mark, payload) || !a.endless || len(response.Data) == 0 {
			return
		}
	}
}

// sendError tells an error as an answer.
func (s *streams) sendError(ctx context.Context, e *events, err error) {
	payload, merr := json.Marshal(s.exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)}))
	if merr != nil {
		panic(merr) // texts
	}
	e.send("next", "", payload)
}

// cursorText is a cursor as it stands in an answer.
func cursorText(c ent.Cursor) string {
	var b strings.Builder
	c.MarshalGQL(&b)
	return strings.Trim(b.String(), `"`)
}

// events writes server-sent events.
type events struct {
	control *http.ResponseController
	limit   time.Duration // for one of them to a slow reader
	stop    func()        // where nobody reads

	mu sync.Mutex
	w  http.ResponseWriter
}

func (e *events) begin() {
	h := e.w.Header()
	h.Set("Content-Type", eventStream+"; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would wait for more
	h.Set("X-Content-Type-Options", "nosniff")
	_ = e.control.SetReadDeadline(time.Time{}) // that of a request, which has come
	e.w.WriteHeader(http.StatusOK)
	e.write(":\n\n")
}

// keepAlive shows, to this side and to proxies between, that there is a connection.
func (e *events) keepAlive(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.write(":\n\n")
		}
	}
}

func (e *events) send(name, mark string, data []byte) bool {
	text := "event: " + name + "\n"
	if mark != "" {
		text += "id: " + mark + "\n"
	}
	return e.write(fmt.Sprintf("%sdata: %s\n\n", text, data))
}

// write sends at once. Who does not read in time is cut off.
func (e *events) write(text string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.control.SetWriteDeadline(time.Now().Add(e.limit))
	_, err := e.w.Write([]byte(text))
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.stop()
	}
	return err == nil
}
