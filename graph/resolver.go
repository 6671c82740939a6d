// Package graph is the GraphQL API. Queries go straight to ent, mutations to
// internal/pusher; resolvers are one-liners. Limits, errors and the HTTP door
// are in files of their own.
package graph

import (
	"time"

	"datapusher/ent"
	"datapusher/internal/database"
	"datapusher/internal/pusher"
	"datapusher/internal/statistics"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

// Resolver is what resolvers need.
type Resolver struct {
	ent     *ent.Client
	pusher  *pusher.Pusher
	box     vault.Box
	tracker workflows.Tracker // nil: the engine has no UI
	feeds   *feeds

	db        *database.DB
	engine    workflows.Engine    // nil in tests that need none
	counter   *statistics.Counter // nil where nothing is counted
	facts     SystemFacts
	publicURL string
	now       func() time.Time
}
