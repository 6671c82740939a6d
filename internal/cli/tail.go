package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	tailEvents = `subscription TailEvents($accountID: ID, $after: Cursor) {
  eventReceived(accountID: $accountID, after: $after) { at cursor skipped event { ...E } } } ` + eventFields
	tailDeliveries = `subscription TailDeliveries($accountID: ID, $eventID: ID, $destinationID: ID, $after: Cursor) {
  deliveryUpdated(accountID: $accountID, eventID: $eventID, destinationID: $destinationID, after: $after) {
    at cursor skipped delivery { ...L attempts(last: 1) { edges { node { number status errorClass durationMs } } } } } } ` + deliveryFields
)

// Tail is the command "tail".
type Tail struct {
	Remote
	Account     string `help:"Only this account's."`
	Event       string `help:"Only the deliveries of this event."`
	Destination string `help:"Only the deliveries to this destination."`
	Only        string `enum:"all,events,deliveries" default:"all" help:"${enum}."`
	JSON        bool   `name:"json" help:"A line of JSON for each: the subscription's payloads."`
}

// Run shows what comes until ctx ends.
func (f *Tail) Run(ctx context.Context, t *Terminal) error {
	c, err := f.dial()
	if err != nil {
		return err
	}
	var mu sync.Mutex // lines of both streams do not mix
	line := func(show func(io.Writer, json.RawMessage) error) func(json.RawMessage) error {
		return func(payload json.RawMessage) error {
			mu.Lock()
			defer mu.Unlock()
			if f.JSON {
				_, err := fmt.Fprintf(t.Out, "%s\n", payload)
				return err
			}
			return show(t.Out, payload)
		}
	}
	narrow := f.Event != "" || f.Destination != ""
	streams, ctx := errgroup.WithContext(ctx)
	if f.Only != "deliveries" && !narrow {
		streams.Go(func() error {
			return c.follow(ctx, t, tailEvents, object{}.text("accountID", f.Account), line(t.event))
		})
	}
	if f.Only != "events" {
		streams.Go(func() error {
			return c.follow(ctx, t, tailDeliveries,
				object{}.text("accountID", f.Account).text("eventID", f.Event).text("destinationID", f.Destination), line(t.delivery))
		})
	}
	if t.Live && !f.JSON {
		t.note("%s", t.paint(gray, "Waiting for what comes to "+c.server+"; Ctrl-C ends it."))
	}
	return streams.Wait()
}

// clock is a time of day here, to the millisecond.
func (t *Terminal) clock(at time.Time) string {
	return t.paint(gray, at.Local().Format("15:04:05.000"))
}

func (t *Terminal) skipped(w io.Writer, n int) {
	if n > 0 {
		fmt.Fprintln(w, t.paint(yellow, fmt.Sprintf("… %d more, too many to show", n)))
	}
}

func (t *Terminal) event(w io.Writer, payload json.RawMessage) error {
	var p struct {
		At      time.Time
		Skipped int
		Event   struct {
			ID, EventType string
			Size          int
		}
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return err
	}
	t.skipped(w, p.Skipped)
	_, err := fmt.Fprintf(w, "%s %s %s %s\n", t.clock(p.At), t.paint(blue, p.Event.ID), plain(p.Event.EventType), t.paint(gray, fmt.Sprintf("%d bytes", p.Event.Size)))
	return err
}

func (t *Terminal) delivery(w io.Writer, payload json.RawMessage) error {
	var p struct {
		At       time.Time
		Skipped  int
		Delivery struct {
			ID, EventID, Status string
			Reason              *string
			NextAttemptAt       *time.Time
			AttemptCount        int
			Destination         *struct{ URL, HTTPMethod string }
			Attempts            struct {
				Edges []struct {
					Node struct {
						Status     *int
						ErrorClass *string
						DurationMs float64
					}
				}
			}
		}
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return err
	}
	t.skipped(w, p.Skipped)
	d := p.Delivery
	parts := []string{t.clock(p.At), t.paint(blue, d.EventID)}
	if d.Destination != nil {
		parts = append(parts, "→", plain(d.Destination.HTTPMethod), host(d.Destination.URL))
	}
	color := yellow
	switch d.Status {
	case "SUCCEEDED":
		color = green
	case "FAILED", "CANCELED":
		color = red
	}
	parts = append(parts, t.paint(color, d.Status))
	if len(d.Attempts.Edges) > 0 {
		last := d.Attempts.Edges[0].Node
		if last.Status != nil {
			parts = append(parts, strconv.Itoa(*last.Status))
		} else if last.ErrorClass != nil {
			parts = append(parts, plain(*last.ErrorClass))
		}
		parts = append(parts, t.paint(gray, fmt.Sprintf("attempt %d, %.0f ms", d.AttemptCount, last.DurationMs)))
	}
	if d.NextAttemptAt != nil {
		parts = append(parts, "again at "+d.NextAttemptAt.Local().Format("15:04:05"))
	}
	if d.Reason != nil {
		parts = append(parts, plain(*d.Reason))
	}
	_, err := fmt.Fprintln(w, strings.Join(parts, " "))
	return err
}

// host is that of a URL, with its port.
func host(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return plain(text)
	}
	return plain(u.Host)
}
