package graph

import (
	"context"
	"log/slog"
	"time"

	"datapusher/ent"
	"datapusher/graph/model"
	"datapusher/internal/changes"
)

// DefaultStreamLimits are those that hold where nothing else is said.
func DefaultStreamLimits() StreamLimits {
	var l StreamLimits
	l.fill()
	return l
}

// Feeds are what the subscriptions of a process read, without a door.
type Feeds struct{ *feeds }

// NewFeeds begins some.
func NewFeeds(client *ent.Client, bus *changes.Bus, every time.Duration) Feeds {
	return Feeds{newFeeds(client, bus, every, slog.New(slog.DiscardHandler))}
}

// Close ends them.
func (f Feeds) Close() { f.close() }

// Events subscribes.
func (f Feeds) Events(ctx context.Context, after *ent.Cursor) (<-chan *model.EventReceivedPayload, error) {
	return stream(ctx, f.feeds, changes.Events, interest{after: after}, eventReceived)
}

// Deliveries subscribes.
func (f Feeds) Deliveries(ctx context.Context, after *ent.Cursor) (<-chan *model.DeliveryUpdatedPayload, error) {
	return stream(ctx, f.feeds, changes.Deliveries, interest{after: after}, deliveryUpdated)
}

// Destinations subscribes.
func (f Feeds) Destinations(ctx context.Context, after *ent.Cursor) (<-chan *model.DestinationHealthChangedPayload, error) {
	return stream(ctx, f.feeds, changes.Destinations, interest{after: after}, destinationHealthChanged)
}

// The bounds of a reader.
const (
	MaxUnread  = maxUnread
	ReadAtOnce = readAtOnce
)
