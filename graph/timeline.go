package graph

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/attempt"
	"datapusher/ent/delivery"
	"datapusher/graph/model"
	"datapusher/internal/sender"
)

// maxEntries is how many attempts, and how many actions, a timeline has at most.
const maxEntries = 200

// timeline is the story of a delivery. Its beginning and its end are certain; what
// lies between is ordered by clocks of several processes.
func (r *Resolver) timeline(ctx context.Context, d *ent.Delivery) ([]*model.TimelineEntry, error) {
	attempts, err := r.ent.Attempt.Query().Where(attempt.DeliveryID(d.ID)).
		Order(attempt.ByNumber(sql.OrderDesc())).Limit(maxEntries).Select(columns(ctx)...).All(ctx)
	if err != nil {
		return nil, err
	}
	actions, err := r.ent.Action.Query().Where(action.SubjectID(d.ID)).
		Order(action.ByID(sql.OrderDesc())).Limit(maxEntries).All(ctx)
	if err != nil {
		return nil, err
	}
	var between []*model.TimelineEntry
	for _, a := range slices.Backward(attempts) {
		between = append(between, &model.TimelineEntry{At: a.StartedAt, Kind: model.TimelineKindAttempt, Text: attempted(a), Attempt: a})
	}
	for _, a := range slices.Backward(actions) {
		between = append(between, &model.TimelineEntry{At: a.CreatedAt, Kind: model.TimelineKindAction, Text: acted(a), Action: a})
	}
	if d.ParkedAt != nil {
		between = append(between, &model.TimelineEntry{At: *d.ParkedAt, Kind: model.TimelineKindParked, Text: because("parked", d.Reason)})
	}
	slices.SortStableFunc(between, func(a, b *model.TimelineEntry) int { return a.At.Compare(b.At) })

	all := append([]*model.TimelineEntry{{At: d.CreatedAt, Kind: model.TimelineKindAccepted, Text: "accepted"}}, between...)
	if d.SettledAt != nil {
		all = append(all, &model.TimelineEntry{At: *d.SettledAt, Kind: model.TimelineKindSettled, Text: settled(d)})
	}
	return all, nil
}

// large are the columns of an attempt that are read only when somebody asks for them.
var large = map[string]string{
	"requestHeaders": attempt.FieldRequestHeaders, "responseHeaders": attempt.FieldResponseHeaders,
	"responseBody": attempt.FieldResponseBody, "responseBodyBase64": attempt.FieldResponseBody,
}

// columns are those of attempts that the field under way needs.
func columns(ctx context.Context) []string {
	asked := map[string]bool{}
	for _, entry := range graphql.CollectFieldsCtx(ctx, []string{"TimelineEntry"}) {
		for _, f := range graphql.CollectFields(graphql.GetOperationContext(ctx), entry.Selections, []string{"Attempt", "Node"}) {
			asked[large[f.Name]] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(attempt.Columns), func(column string) bool {
		for _, l := range large {
			if column == l {
				return !asked[column]
			}
		}
		return false
	})
}

func attempted(a *ent.Attempt) string {
	result := a.ErrorClass
	switch {
	case a.Status != nil:
		result = strconv.Itoa(*a.Status)
	case sender.Class(result) == sender.Blocked:
		return fmt.Sprintf("attempt %d: %s, asked for by %s", a.Number, sender.Blocked.Text(), askers[a.AskedBy]) // and no time
	}
	return fmt.Sprintf("attempt %d: %s after %d ms, asked for by %s", a.Number, result, a.DurationUs/1000, askers[a.AskedBy])
}

var askers = map[attempt.AskedBy]string{
	attempt.AskedBySchedule: "the schedule", attempt.AskedByOperator: "an operator",
	attempt.AskedByReplay: "a replay", attempt.AskedByProbe: "the breaker, as a probe",
}

func acted(a *ent.Action) string { return because(deeds[a.Kind]+" by "+a.Actor, a.Reason) }

// deeds are what can be done to a delivery.
var deeds = map[action.Kind]string{
	action.KindRetry: "retried", action.KindCancel: "canceled", action.KindPostpone: "postponed",
}

func settled(d *ent.Delivery) string {
	switch d.Status {
	case delivery.StatusSucceeded:
		return "succeeded"
	case delivery.StatusFailed:
		return because("failed", d.Reason)
	}
	if strings.HasPrefix(d.Reason, "canceled") { // by somebody
		return d.Reason
	}
	return because("canceled", d.Reason)
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}
