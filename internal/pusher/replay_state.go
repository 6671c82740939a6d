package pusher

import (
	"context"
	"slices"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/replay"
	"datapusher/internal/audit"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/workflows"
)

// PauseReplayInput names the replay to hold.
type PauseReplayInput struct {
	ID     string
	Reason *string
}

func (in PauseReplayInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in PauseReplayInput) Validate() error { return in.fields().Err() }

// PauseReplay holds a replay that runs. The deliveries that it has made go on.
func (p *Pusher) PauseReplay(ctx context.Context, in PauseReplayInput) (*ent.Replay, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	return p.turnReplay(ctx, in.ID, action.KindPause, in.Reason, replay.StatusPaused, replay.StatusRunning)
}

// ResumeReplayInput names the replay to let go on.
type ResumeReplayInput struct {
	ID     string
	Reason *string
}

func (in ResumeReplayInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in ResumeReplayInput) Validate() error { return in.fields().Err() }

// ResumeReplay lets a replay go on where it was paused.
func (p *Pusher) ResumeReplay(ctx context.Context, in ResumeReplayInput) (*ent.Replay, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	r, err := p.turnReplay(ctx, in.ID, action.KindResume, in.Reason, replay.StatusRunning, replay.StatusPaused)
	if err != nil {
		return nil, err
	}
	p.wake(ctx, workflows.Replay(r.ID))
	return r, nil
}

// CancelReplayInput names the replay to end.
type CancelReplayInput struct {
	ID     string
	Reason *string
}

func (in CancelReplayInput) fields() (f problem.Fields) {
	checkReason(&f, in.Reason)
	return f
}

// Validate says everything that is wrong with the input.
func (in CancelReplayInput) Validate() error { return in.fields().Err() }

// CancelReplay ends a replay. The deliveries that it has made go on.
func (p *Pusher) CancelReplay(ctx context.Context, in CancelReplayInput) (*ent.Replay, error) {
	if err := begin(ctx, in); err != nil {
		return nil, err
	}
	return p.turnReplay(ctx, in.ID, action.KindCancel, in.Reason, replay.StatusCanceled, replay.StatusRunning, replay.StatusPaused)
}

// turnReplay takes a replay from one of the states to another, while the core
// takes no turn of it.
func (p *Pusher) turnReplay(ctx context.Context, replayID string, kind action.Kind, reason *string,
	to replay.Status, from ...replay.Status,
) (*ent.Replay, error) {
	if !id.Is(id.Replay, replayID) {
		return nil, noSuch("replay")
	}
	var turned *ent.Replay
	err := p.tx(ctx, func(tx *ent.Client) error {
		q := tx.Replay.Query().Where(replay.ID(replayID))
		if p.o.DB.Postgres() {
			q = q.ForUpdate()
		}
		r, err := q.Only(ctx)
		if err != nil {
			return missing(err, "replay")
		}
		if !slices.Contains(from, r.Status) {
			return problem.New(problem.Conflict, "the replay is %s", statusWords[r.Status])
		}
		now := p.now()
		u := r.Update().SetStatus(to).SetUpdatedAt(now)
		if to == replay.StatusCanceled {
			u.SetFinishedAt(now)
		}
		if deref(reason) != "" {
			u.SetReason(*reason)
		} else if to == replay.StatusRunning {
			u.ClearReason() // it was the pause's
		}
		if turned, err = u.Save(ctx); err != nil {
			return missing(err, "replay")
		}
		return p.note(ctx, tx, r.AccountID, r.ID, kind, reason, audit.Diff(audit.Replay(r), audit.Replay(turned)))
	})
	if err != nil {
		return nil, err
	}
	return turned.Unwrap(), nil
}

// statusWords are a replay's states in a sentence.
var statusWords = map[replay.Status]string{
	replay.StatusRunning: "running already", replay.StatusPaused: "paused already",
	replay.StatusCanceled: "canceled", replay.StatusCompleted: "completed",
}
