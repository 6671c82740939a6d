package graph

import (
	"context"
	"encoding/json"
	"slices"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/destination"
	"datapusher/graph/model"
)

// healthTimeline are the states that a destination has had. The audit log has each
// change, written together with it.
func (r *Resolver) healthTimeline(ctx context.Context, d *ent.Destination) ([]*model.HealthSpan, error) {
	actions, err := r.ent.Action.Query().
		Where(action.SubjectID(d.ID), action.KindIn(action.KindPause, action.KindResume, action.KindDisable, action.KindOpen, action.KindClose, action.KindUpdate)).
		Order(action.ByID(sql.OrderDesc())).Limit(maxEntries).All(ctx)
	if err != nil {
		return nil, err
	}
	var spans []*model.HealthSpan
	for _, a := range slices.Backward(actions) {
		before, after := standingOf(a.Before), standingOf(a.After)
		if after.State == "" { // something else was changed
			continue
		}
		at := a.CreatedAt
		if len(spans) == 0 && len(actions) < maxEntries {
			spans = append(spans, &model.HealthSpan{State: before.State, From: d.CreatedAt})
		}
		if len(spans) > 0 {
			spans[len(spans)-1].To = &at
		}
		spans = append(spans, &model.HealthSpan{State: after.State, From: at, Reason: after.Reason, Actor: &a.Actor})
	}
	if n := len(spans); n == 0 || spans[n-1].State != d.State {
		now := *since(d)
		if n > 0 {
			spans[n-1].To = &now
		}
		spans = append(spans, &model.HealthSpan{State: d.State, From: now, Reason: reasonOf(d)})
	}
	return spans, nil
}

func reasonOf(d *ent.Destination) *string {
	if d.Reason == "" {
		return nil
	}
	return &d.Reason
}

// toldStanding is what the audit log tells of how a destination stands.
type toldStanding struct {
	State  destination.State `json:"state"`
	Reason *string           `json:"reason"`
}

// standingOf reads one side of an action; what cannot be read tells nothing.
func standingOf(facts []byte) (s toldStanding) {
	if err := json.Unmarshal(facts, &s); err != nil || destination.StateValidator(s.State) != nil {
		return toldStanding{}
	}
	return s
}
