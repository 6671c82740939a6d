package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Destinations is the command "destination".
type Destinations struct {
	Ls      DestinationList    `cmd:"" help:"List destinations."`
	Get     DestinationGet     `cmd:"" help:"Show a destination and how it has been doing."`
	Create  DestinationCreate  `cmd:"" help:"Make a destination; its signing secret is shown once."`
	Update  DestinationUpdate  `cmd:"" help:"Change a destination; what is not given stays."`
	Rm      DestinationRm      `cmd:"" help:"Delete a destination, and cancel what waits for it."`
	Pause   DestinationPause   `cmd:"" help:"Hold its deliveries; nothing is lost."`
	Resume  DestinationResume  `cmd:"" help:"Let its deliveries go on, whatever its state."`
	Rotate  DestinationRotate  `cmd:"" help:"Give it a new signing secret, shown once."`
	Test    DestinationTest    `cmd:"" help:"Send it a test event, attempted once."`
	Preview DestinationPreview `cmd:"" help:"Show the request that it would get now; nothing is sent."`
}

var (
	destinationColumns = []column{{"id", "id"}, {"name", "name"}, {"state", "state"}, {"method", "httpMethod"}, {"url", "url"}, {"reason", "reason"}}
	destinationDetails = []column{
		{"id", "id"}, {"account", "accountID"}, {"name", "name"}, {"method", "httpMethod"}, {"url", "url"}, {"headers", "headers"},
		{"state", "state"}, {"reason", "reason"}, {"paused until", "pausedUntil"}, {"signing", "signingAlgorithm"},
		{"retries after", "retrySchedule"}, {"timeout", "timeout"}, {"gives up after", "giveUpAfter"},
		{"since", "health.since"}, {"success rate", "health.recentSuccessRate"}, {"parked", "health.parkedCount"},
		{"oldest parked", "health.oldestParkedAt"}, {"next probe", "health.nextProbeAt"}, {"failing since", "health.failingSince"},
		{"created", "createdAt"},
	}
)

// DestinationList is the command "destination ls".
type DestinationList struct {
	Remote
	Output
	Page
	Account string   `help:"Only this account's."`
	State   []string `enum:"sending,paused,open,disabled" help:"Only those in one of these states: ${enum}."`
}

// Run lists destinations.
func (l *DestinationList) Run(ctx context.Context, t *Terminal) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	out := l.table(t, destinationColumns)
	where := object{}.text("accountID", l.Account).list("stateIn", upper(l.State))
	if err := c.list(ctx, l.Page, out, destinationList, map[string]any{"where": where}, "destinations"); err != nil {
		return err
	}
	return out.end("There is no such destination: `datapusher destination create` makes one.")
}

func upper(names []string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = strings.ToUpper(n)
	}
	return all
}

// DestinationGet is the command "destination get".
type DestinationGet struct {
	Remote
	Output
	ID string `arg:"" help:"dst_…"`
}

// Run shows one.
func (g *DestinationGet) Run(ctx context.Context, t *Terminal) error {
	c, err := g.dial()
	if err != nil {
		return err
	}
	return c.get(ctx, t, g.Output, destinationDetails, destinationGet, "destination", g.ID)
}

// Settings of a destination that may be left as they are.
type Settings struct {
	Method        *string  `enum:"GET,POST,PUT,PATCH,DELETE" help:"HTTP method: ${enum}."`
	Header        []string `sep:"none" placeholder:"NAME: VALUE" help:"A header of its requests; may be given more than once."`
	Name          *string  `help:"What people call it."`
	RetrySchedule []string `placeholder:"WAIT" help:"The waits between attempts: 5s,5m,1h."`
	Timeout       *string  `help:"How long an attempt may take: 1s to 30s."`
	GiveUpAfter   *string  `help:"The age at which a delivery is given up: 1m to 90d."`
}

func (s Settings) put(o object) error {
	given(o, "httpMethod", s.Method)
	given(o, "name", s.Name)
	given(o, "timeout", s.Timeout)
	given(o, "giveUpAfter", s.GiveUpAfter)
	o.list("retrySchedule", s.RetrySchedule)
	headers, err := headersOf(s.Header)
	if len(headers) > 0 {
		o["headers"] = headers
	}
	return err
}

func headersOf(lines []string) ([]object, error) {
	var all []object
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, invalid("--header must be NAME: VALUE, and %q has no colon", line)
		}
		all = append(all, object{"name": strings.TrimSpace(name), "value": strings.TrimSpace(value)})
	}
	return all, nil
}

// DestinationCreate is the command "destination create".
type DestinationCreate struct {
	Remote
	Output
	Settings
	Account          string `help:"Whose; needed with the admin token."`
	URL              string `required:"" help:"Where it is: http:// or https://."`
	SigningAlgorithm string `enum:"HMAC_SHA256,ED25519" default:"HMAC_SHA256" help:"${enum}."`
	SigningSecret    string `help:"A secret of your own, whsec_…; a new one is made otherwise."`
}

// Run makes one.
func (d *DestinationCreate) Run(ctx context.Context, t *Terminal) error {
	c, err := d.dial()
	if err != nil {
		return err
	}
	account, err := c.account(ctx, d.Account)
	if err != nil {
		return err
	}
	input := object{"accountID": account, "url": d.URL, "signingAlgorithm": d.SigningAlgorithm}.text("signingSecret", d.SigningSecret)
	if err := d.put(input); err != nil {
		return err
	}
	made, err := c.change(ctx, createDestination, "createDestination", input)
	if err != nil {
		return err
	}
	return d.one(t, made, append(below("destination", destinationDetails), column{"signing secret", "signingSecret"}))
}

// DestinationUpdate is the command "destination update".
type DestinationUpdate struct {
	Remote
	Output
	Settings
	ID        string  `arg:"" help:"dst_…"`
	URL       *string `help:"Where it is."`
	NoHeaders bool    `help:"Remove all headers."`
	Enable    bool    `xor:"enabled" help:"Enable it; everything that waits goes on."`
	Disable   bool    `xor:"enabled" help:"Disable it; deliveries park, nothing is lost."`
}

// Run changes one.
func (u *DestinationUpdate) Run(ctx context.Context, t *Terminal) error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	input := object{"id": u.ID}
	if err := u.put(input); err != nil {
		return err
	}
	given(input, "url", u.URL)
	if u.NoHeaders {
		input["headers"] = []object{}
	}
	if u.Enable || u.Disable {
		input["enabled"] = u.Enable
	}
	made, err := c.change(ctx, updateDestination, "updateDestination", input)
	if err != nil {
		return err
	}
	return u.one(t, made, below("destination", destinationDetails))
}

// DestinationRm is the command "destination rm".
type DestinationRm struct {
	Remote
	Sure
	ID string `arg:"" help:"dst_…"`
}

// Run deletes one.
func (r *DestinationRm) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	if err := t.confirm(r.Yes, "Delete the destination %s and cancel what waits for it?", r.ID); err != nil {
		return err
	}
	if _, err = c.change(ctx, deleteDestination, "deleteDestination", object{"id": r.ID}); err != nil {
		return err
	}
	t.note("%s is deleted", r.ID)
	return nil
}

// Why is a reason that others see.
type Why struct {
	Reason string `help:"Why; others see it."`
}

// DestinationPause is the command "destination pause".
type DestinationPause struct {
	Remote
	Output
	Why
	ID    string  `arg:"" help:"dst_…"`
	Until *Moment `help:"When it goes on by itself: a time, or a span from now such as 2h."`
}

// Run pauses one.
func (p *DestinationPause) Run(ctx context.Context, t *Terminal) error {
	c, err := p.dial()
	if err != nil {
		return err
	}
	input := object{"destinationID": p.ID}.text("reason", p.Reason)
	p.Until.put(input, "until")
	made, err := c.change(ctx, pauseDestination, "pauseDestination", input)
	if err != nil {
		return err
	}
	return p.one(t, made, below("destination", destinationDetails))
}

// DestinationResume is the command "destination resume".
type DestinationResume struct {
	Remote
	Output
	Why
	ID   string   `arg:"" help:"dst_…"`
	Rate *float64 `help:"Deliveries a second until nothing waits any more."`
}

// Run resumes one.
func (r *DestinationResume) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	input := object{"destinationID": r.ID}.text("reason", r.Reason)
	given(input, "rate", r.Rate)
	made, err := c.change(ctx, resumeDestination, "resumeDestination", input)
	if err != nil {
		return err
	}
	return r.one(t, made, below("destination", destinationDetails))
}

// DestinationRotate is the command "destination rotate".
type DestinationRotate struct {
	Remote
	Output
	ID            string `arg:"" help:"dst_…"`
	Overlap       string `default:"24h" help:"How long the old secret signs beside the new one: 0s to 7d."`
	SigningSecret string `help:"A secret of your own, whsec_…; a new one is made otherwise."`
}

// Run rotates the secret of one.
func (r *DestinationRotate) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	made, err := c.change(ctx, rotateSigningSecret, "rotateSigningSecret",
		object{"destinationID": r.ID, "overlap": r.Overlap}.text("signingSecret", r.SigningSecret))
	if err != nil {
		return err
	}
	return r.one(t, made, []column{{"id", "destination.id"}, {"signing secret", "signingSecret"}})
}

// DestinationTest is the command "destination test".
type DestinationTest struct {
	Remote
	Output
	ID        string `arg:"" help:"dst_…"`
	Payload   string `help:"A JSON text, @file, or - for standard input; otherwise one that says that it is a test."`
	EventType string `default:"test" help:"Type of the event."`
}

// Run sends a test event and tells what became of it.
func (d *DestinationTest) Run(ctx context.Context, t *Terminal) error {
	c, err := d.dial()
	if err != nil {
		return err
	}
	body, err := payload(t, d.Payload)
	if err != nil {
		return err
	}
	made, err := c.change(ctx, sendTestEvent, "sendTestEvent", object{"destinationID": d.ID, "eventType": d.EventType}.text("payload", body))
	if err != nil {
		return err
	}
	id, err := within(made, "delivery", "id")
	if err != nil {
		return err
	}
	var delivery string
	if err := json.Unmarshal(id, &delivery); err != nil {
		return err
	}
	settled, err := c.settled(ctx, delivery)
	if err != nil {
		return err
	}
	return d.one(t, settled, deliveryDetails)
}

// DestinationPreview is the command "destination preview".
type DestinationPreview struct {
	Remote
	Output
	ID      string `arg:"" help:"dst_…"`
	Event   string `help:"An event of the same account to take."`
	Payload string `help:"A JSON text, @file, or - for standard input."`
}

// Run shows a request.
func (p *DestinationPreview) Run(ctx context.Context, t *Terminal) error {
	c, err := p.dial()
	if err != nil {
		return err
	}
	body, err := payload(t, p.Payload)
	if err != nil {
		return err
	}
	made, err := c.change(ctx, previewDelivery, "previewDelivery", object{"destinationID": p.ID}.text("eventID", p.Event).text("payload", body))
	if err != nil {
		return err
	}
	request, err := within(made, "request")
	if err != nil {
		return err
	}
	if p.Output.Output != "table" {
		return p.one(t, request, nil)
	}
	var r struct {
		Method, URL string
		Headers     []struct{ Name, Value string }
		Body        *string
	}
	if err := json.Unmarshal(request, &r); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "%s %s\n", plain(r.Method), plain(r.URL))
	for _, h := range r.Headers {
		fmt.Fprintf(t.Out, "%s: %s\n", plain(h.Name), plain(h.Value))
	}
	if r.Body != nil {
		fmt.Fprintf(t.Out, "\n%s\n", plain(*r.Body))
	}
	return nil
}
