package pusher

import (
	"context"
	"encoding/json"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/internal/problem"
)

// testPayload is the payload of a test event that is given none: whoever finds it
// in a log knows what it is.
func testPayload(eventType string) []byte {
	text, _ := json.Marshal(struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}{eventType, "This is a test event of Data Pusher. Nothing has happened."}) // strings cannot fail
	return text
}

// typeOr is the given type, or that of a test.
func typeOr(eventType *string) string {
	if deref(eventType) != "" {
		return *eventType
	}
	return "test"
}

// SendTestEventInput names a destination, and maybe what it is to get.
type SendTestEventInput struct {
	DestinationID string
	Payload       *string // nil: one that says that it is a test
	EventType     *string // nil: test
}

func (in SendTestEventInput) fields() (f problem.Fields) {
	checkPayload(&f, in.Payload)
	checkEventType(&f, "eventType", in.EventType)
	return f
}

// Validate says everything that is wrong with the input.
func (in SendTestEventInput) Validate() error { return in.fields().Err() }

// SendTestEvent makes an event for one destination alone. It goes out whatever
// state the destination is in, and is attempted once.
func (p *Pusher) SendTestEvent(ctx context.Context, in SendTestEventInput) (*ent.Event, *ent.Delivery, error) {
	if err := begin(ctx, in); err != nil {
		return nil, nil, err
	}
	n := newEvent{eventType: typeOr(in.EventType), final: true}
	n.payload = testPayload(n.eventType)
	if in.Payload != nil {
		n.payload = []byte(*in.Payload)
	}
	var made madeEvent
	err := p.tx(ctx, func(tx *ent.Client) error {
		d, err := destinationOf(ctx, tx, in.DestinationID)
		if err != nil {
			return err
		}
		n.accountID, n.to = d.AccountID, []*ent.Destination{d}
		if made, err = p.makeEvent(ctx, tx, n); err != nil {
			return err
		}
		return p.note(ctx, tx, d.AccountID, d.ID, action.KindTest, nil, madeFrom(n, made, in.Payload))
	})
	if err != nil {
		return nil, nil, err
	}
	p.noteMade(made)
	p.count(made)
	p.dispatch(ctx, made.run, "test event")
	return made.Unwrap(), made.deliveries[0].Unwrap(), nil
}
