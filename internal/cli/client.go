package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// client speaks to one server.
type client struct {
	server, token string
	http          *http.Client
}

// dial finds the server; nothing is sent yet.
func (r Remote) dial() (*client, error) {
	server, token, err := r.resolve()
	if err != nil {
		return nil, err
	}
	return &client{server: server, token: token, http: &http.Client{
		Timeout: time.Minute,
		// A credential goes where it was meant for, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// query runs one operation and puts its data into result.
func (c *client) query(ctx context.Context, document string, variables map[string]any, result any) error {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	q, err := c.request(ctx, "/graphql", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Accept", "application/graphql-response+json, application/json")
	status, answer, _, err := c.do(q)
	if err != nil {
		return err
	}
	var envelope struct {
		Data   json.RawMessage `json:"data"`
		Errors []graphError    `json:"errors"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil || envelope.Data == nil && envelope.Errors == nil {
		return problemOf(status, answer)
	}
	if len(envelope.Errors) > 0 {
		return envelope.Errors[0].error()
	}
	return json.Unmarshal(envelope.Data, result)
}

// graphError is one of GraphQL's errors as the server writes them.
type graphError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code      string  `json:"code"`
		Fields    []Field `json:"fields"`
		RequestID string  `json:"requestID"`
	} `json:"extensions"`
}

func (e graphError) error() error {
	return hinted(&Error{Code: cmp.Or(e.Extensions.Code, "internal"), Message: e.Message, Fields: e.Extensions.Fields, RequestID: e.Extensions.RequestID})
}

func (c *client) request(ctx context.Context, path, media string, body io.Reader) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+path, body)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.Header.Set("Content-Type", media)
	q.Header.Set("User-Agent", "datapusher-cli")
	return q, nil
}

// do sends a request and reads its answer.
func (c *client) do(q *http.Request) (status int, body []byte, header http.Header, err error) {
	a, err := c.http.Do(q)
	if err != nil {
		return 0, nil, nil, c.unreachable(q.Context(), err)
	}
	defer func() { _ = a.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return 0, nil, nil, c.unreachable(q.Context(), err)
	}
	return a.StatusCode, body, a.Header, nil
}

func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{Code: codeUnavailable, Message: fmt.Sprintf("%s does not answer: %v", c.server, errors.Unwrap(err)),
		Hint: fmt.Sprintf("Is it running? `datapusher doctor --url %s` looks at it.", c.server)}
}

// problemOf is the error of an answer that is none of GraphQL's: RFC 9457.
func problemOf(status int, body []byte) error {
	var p struct {
		Code      string  `json:"code"`
		Detail    string  `json:"detail"`
		Title     string  `json:"title"`
		Message   string  `json:"message"`
		Fields    []Field `json:"fields"`
		RequestID string  `json:"request_id"`
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		return fmt.Errorf("the server answers %d %s, and not as Data Pusher does: is --server right?", status, http.StatusText(status))
	}
	return hinted(&Error{Code: p.Code, Message: cmp.Or(p.Detail, p.Message, p.Title), Fields: p.Fields, RequestID: p.RequestID})
}

// hinted says what may be done about an error here.
func hinted(e *Error) *Error {
	switch {
	case e.Code == "unauthenticated":
		e.Hint = "Is the token right, and not revoked? --token, DATAPUSHER_TOKEN and `datapusher profile set` name one."
	case e.Code == "forbidden" && strings.Contains(e.Message, "admin"):
		e.Hint = "This takes the operator's admin token."
	}
	return e
}

// account is the one that a command is about: what is given, or the token's own.
func (c *client) account(ctx context.Context, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	var v struct {
		Viewer struct {
			Account *struct {
				ID string `json:"id"`
			} `json:"account"`
		} `json:"viewer"`
	}
	if err := c.query(ctx, viewerQuery, nil, &v); err != nil {
		return "", err
	}
	if v.Viewer.Account == nil {
		return "", invalid("the admin token sees every account: say which one with --account; `datapusher account ls` lists them")
	}
	return v.Viewer.Account.ID, nil
}
