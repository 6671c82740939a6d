package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"datapusher/cmd/app"
	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
)

// sample is what the welcome needs of the demo.
type sample struct{ secretToken string }

// demoEvent is the first event that a new installation delivers.
const demoEvent = `{"type":"demo.created","message":"Hello from Data Pusher","amount":1.00}`

// demoPatience is how long the sample event may take: the first one finds
// everything cold.
const demoPatience = 30 * time.Second

// demo pushes one event through everything, at the first start, and prints each
// step with the time it took.
func (d *dataDir) demo(ctx context.Context, out io.Writer, server *app.Server, r *receiver) (sample, error) {
	s, err := d.state()
	if err != nil || s.Done {
		return sample{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	step := func(began time.Time, format string, args ...any) {
		fmt.Fprintf(out, "  %8s  %s\n", time.Since(began).Round(10*time.Microsecond), fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(out, "The demo, step by step:")

	began := time.Now()
	account, token, err := server.Pusher.CreateAccount(asAdmin(ctx), pusher.CreateAccountInput{
		Name: "Demo", Email: fmt.Sprintf("demo-%d@example.com", began.UnixNano()),
	})
	if err != nil {
		return sample{}, err
	}
	step(began, "account %s created", account.ID)

	s = state{Receiver: r.address, AccountID: account.ID}
	for _, method := range []destination.HTTPMethod{destination.HTTPMethodPost, destination.HTTPMethodGet} {
		began = time.Now()
		made, _, err := server.Pusher.CreateDestination(asAdmin(ctx), pusher.CreateDestinationInput{
			AccountID: account.ID, Name: new("demo " + string(method)), URL: r.url(), HTTPMethod: &method,
			Headers: []sender.Header{{Name: "X-Demo", Value: "yes"}},
		})
		if err != nil {
			return sample{}, err
		}
		s.Destinations = append(s.Destinations, made.ID)
		step(began, "destination %s created: %s %s", made.ID, method, r.url())
	}
	began = time.Now()
	event, err := push(ctx, server.URL(), token)
	if err != nil {
		return sample{}, err
	}
	step(began, "event %s accepted: it is on disk", event)
	for range s.Destinations {
		select {
		case method := <-r.got:
			step(began, "received by %s", method)
		case <-ctx.Done():
			return sample{}, errors.New("the event did not arrive in time; the log says why")
		}
	}
	if err := watch(ctx, server.URL(), token, event, func(d delivered) {
		step(began, "delivery %s %s after %d attempt(s)", d.ID, d.Status, d.AttemptCount)
	}); err != nil {
		return sample{}, err
	}
	s.Done = true
	return sample{secretToken: token}, d.remember(s)
}

// push sends the sample event through the door that everybody uses.
func push(ctx context.Context, api, token string) (eventID string, err error) {
	var answer struct {
		EventID string `json:"event_id"`
		Detail  string `json:"detail"`
	}
	status, err := post(ctx, api+"/server/incoming_data", token, []byte(demoEvent), &answer)
	if err == nil && status != http.StatusAccepted {
		err = fmt.Errorf("the event was not accepted: %d %s", status, answer.Detail)
	}
	return answer.EventID, err
}

// delivered is a delivery as the API shows it.
type delivered struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	AttemptCount int    `json:"attemptCount"`
}

const watchQuery = `query($id: ID!) { event(id: $id) { deliveries { edges { node { id status attemptCount } } } } }`

// watch asks the API until every delivery of an event has succeeded.
func watch(ctx context.Context, api, token, event string, each func(delivered)) error {
	question, err := json.Marshal(map[string]any{"query": watchQuery, "variables": map[string]string{"id": event}})
	if err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	told := make(map[string]bool)
	for {
		var answer struct {
			Data struct {
				Event struct {
					Deliveries struct {
						Edges []struct{ Node delivered }
					}
				}
			}
		}
		if _, err := post(ctx, api+"/graphql", token, question, &answer); err != nil {
			return err
		}
		edges := answer.Data.Event.Deliveries.Edges
		for _, e := range edges {
			if e.Node.Status == "SUCCEEDED" && !told[e.Node.ID] {
				told[e.Node.ID] = true
				each(e.Node)
			}
		}
		if len(edges) > 0 && len(told) == len(edges) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("the deliveries were not recorded in time; the log says why")
		}
	}
}

// post sends JSON with a credential and reads the JSON answer.
func post(ctx context.Context, url, token string, body []byte, answer any) (status int, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	defer func() { _ = a.Body.Close() }()
	return a.StatusCode, json.NewDecoder(a.Body).Decode(answer)
}

func asAdmin(ctx context.Context) context.Context {
	return auth.With(ctx, &auth.Viewer{Kind: auth.Admin})
}
