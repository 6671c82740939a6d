package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// maxEvent is the largest event that a server accepts, in bytes.
	maxEvent = 1 << 20
	// maxForwarded bounds what is read of the answer of --forward.
	maxForwarded = 1 << 20
	// farewell is how long taking the destination away again may take.
	farewell = 10 * time.Second
)

// Listen is the command "listen".
type Listen struct {
	Remote
	Address   string        `name:"listen" default:"127.0.0.1:0" help:"Address to listen on; port 0 means a free one."`
	PublicURL string        `help:"URL under which the server reaches this address, such as that of a tunnel. Not given: the address itself."`
	Account   string        `help:"Whose events; needed with the admin token."`
	Name      string        `default:"datapusher listen" help:"Name of the destination."`
	Status    int           `default:"200" help:"Status to answer."`
	Delay     time.Duration `help:"How long to wait before the answer."`
	Forward   string        `placeholder:"URL" help:"Send each request on to this URL, and answer as that does."`
	JSON      bool          `name:"json" help:"A line of JSON for each request."`
	Keep      bool          `help:"Leave the destination where it is at the end."`
}

// Run is a destination until ctx ends.
func (l *Listen) Run(ctx context.Context, t *Terminal) (err error) {
	if l.Status < 200 || l.Status > 599 {
		return invalid("--status must be 200 to 599")
	}
	c, err := l.dial()
	if err != nil {
		return err
	}
	account, err := c.account(ctx, l.Account)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
	if err != nil {
		return err
	}
	r := &receiver{Listen: l, t: t, ready: make(chan struct{})}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		err = errors.Join(err, server.Shutdown(end))
	}()

	at := l.PublicURL
	if at == "" {
		at = "http://" + listener.Addr().String() + "/"
	}
	id, err := r.register(ctx, c, account, at)
	if err != nil {
		return l.unreachable(err)
	}
	defer func() { err = errors.Join(err, l.leave(ctx, t, c, id)) }()
	t.note("%s is %s until Ctrl-C. Events of %s arrive here.", id, at, account)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// unreachable says what may be done where the server does not take the address.
func (l *Listen) unreachable(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == "invalid" && l.PublicURL == "" && slices.ContainsFunc(e.Fields, func(f Field) bool { return f.Name == "url" }) {
		e.Hint = "The server does not send to this machine. Give --public-url with the URL of a tunnel that ends at --listen, or have the operator allow the address (--allow-cidrs)."
	}
	return err
}

// leave takes the destination away; nobody would answer there any more.
func (l *Listen) leave(ctx context.Context, t *Terminal, c *client, id string) error {
	if l.Keep {
		t.note("%s stays. `datapusher destination rm %s` deletes it.", id, id)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if _, err := c.change(ctx, deleteDestination, "deleteDestination", object{"id": id}); err != nil {
		return fmt.Errorf("the destination %s is still there: %w", id, err)
	}
	t.note("%s is deleted", id)
	return nil
}

// receiver answers a destination's requests.
type receiver struct {
	*Listen
	t        *Terminal
	ready    chan struct{} // closed when the secret is known
	verifier *standardwebhooks.Webhook

	mu sync.Mutex // a request is printed in one piece
}

// register makes the destination.
func (r *receiver) register(ctx context.Context, c *client, account, at string) (string, error) {
	made, err := c.change(ctx, createDestination, "createDestination", object{"accountID": account, "url": at, "name": r.Name})
	if err != nil {
		return "", err
	}
	var d struct {
		SigningSecret string
		Destination   struct{ ID string }
	}
	if err := json.Unmarshal(made, &d); err != nil {
		return "", err
	}
	if r.verifier, err = standardwebhooks.NewWebhook(d.SigningSecret); err != nil {
		return d.Destination.ID, err
	}
	close(r.ready)
	return d.Destination.ID, nil
}

// request is what --json prints.
type request struct {
	At        time.Time   `json:"at"`
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Headers   http.Header `json:"headers"`
	Body      string      `json:"body"`
	Signature string      `json:"signature"` // valid, or why not
	Answer    int         `json:"answer"`
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	got := request{At: time.Now(), Method: q.Method, Path: q.URL.RequestURI(), Headers: q.Header, Signature: "valid", Answer: r.Status}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxEvent))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	got.Body = string(body)
	select {
	case <-r.ready:
	case <-q.Context().Done():
		return
	}
	signed := body
	if q.Method == http.MethodGet {
		signed = []byte(q.URL.RawQuery) // a GET has no body: its query string is signed
	}
	if err := r.verifier.Verify(signed, q.Header); err != nil {
		got.Signature, got.Answer = err.Error(), http.StatusUnauthorized
		r.print(got)
		http.Error(w, "the signature is wrong", http.StatusUnauthorized)
		return
	}
	if pause(q.Context(), r.Delay) != nil {
		got.Answer = 0
		r.print(got)
		return
	}
	if r.Forward == "" {
		w.WriteHeader(r.Status)
	} else {
		got.Answer = r.forward(w, q, body)
	}
	r.print(got)
}

// forward sends a request on and answers with the answer.
func (r *receiver) forward(w http.ResponseWriter, q *http.Request, body []byte) int {
	target := r.Forward
	if q.URL.RawQuery != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + q.URL.RawQuery
	}
	on, err := http.NewRequestWithContext(q.Context(), q.Method, target, bytes.NewReader(body)) //nolint:gosec // G704: the user's own URL
	if err == nil {
		on.Header = q.Header.Clone()
		on.Header.Del("Connection")
		var a *http.Response
		if a, err = http.DefaultClient.Do(on); err == nil { //nolint:gosec // G704: the user's own URL
			defer func() { _ = a.Body.Close() }()
			for _, name := range []string{"Content-Type", "Retry-After"} {
				if v := a.Header.Get(name); v != "" {
					w.Header().Set(name, v)
				}
			}
			w.WriteHeader(a.StatusCode)
			_, _ = io.Copy(w, io.LimitReader(a.Body, maxForwarded))
			return a.StatusCode
		}
	}
	r.t.note("%v", err)
	http.Error(w, "the URL of --forward does not answer", http.StatusBadGateway)
	return http.StatusBadGateway
}

// print shows a request.
func (r *receiver) print(got request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.JSON {
		if line, err := json.Marshal(got); err == nil {
			fmt.Fprintf(r.t.Out, "%s\n", line)
		}
		return
	}
	signature, answer := r.t.paint(green, "signature valid"), green
	if got.Signature != "valid" {
		signature = r.t.paint(red, got.Signature)
	}
	if got.Answer < 200 || got.Answer > 299 {
		answer = red
	}
	fmt.Fprintf(r.t.Out, "%s %s %s %s, %s → %s\n", r.t.clock(got.At), plain(got.Method), plain(got.Path), r.t.paint(blue, plain(got.Headers.Get("webhook-id"))),
		signature, r.t.paint(answer, strconv.Itoa(got.Answer)))
	if got.Body != "" {
		fmt.Fprintf(r.t.Out, "  %s\n", plain(pretty(got.Body)))
	}
}

// pretty is a JSON text without needless space.
func pretty(body string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(body)) != nil {
		return body
	}
	return b.String()
}
