package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Replays is the command "replay".
type Replays struct {
	Start  ReplayStart  `cmd:"" default:"withargs" help:"Count what matches, and send it once more; what replay does without a command."`
	Ls     ReplayList   `cmd:"" help:"List bulk replays, the newest first."`
	Get    ReplayGet    `cmd:"" help:"Show a bulk replay, and how its deliveries stand."`
	Watch  ReplayWatch  `cmd:"" help:"Follow a bulk replay to its end."`
	Pause  ReplayPause  `cmd:"" help:"Hold a bulk replay."`
	Resume ReplayResume `cmd:"" help:"Let a bulk replay go on where it was."`
	Cancel ReplayCancel `cmd:"" help:"End a bulk replay; the deliveries that it has made go on."`
}

var (
	replayColumns = []column{{"id", "id"}, {"status", "status"}, {"replayed", "replayed"}, {"of", "matched"}, {"skipped", "skipped"}, {"rate", "rate"}, {"started", "createdAt"}, {"reason", "reason"}}
	replayDetails = append(replayColumns, column{"from", "from"}, column{"to", "to"}, column{"statuses", "statuses"}, column{"type", "eventType"}, column{"deliveries", "deliveries"},
		column{"pending", "report.pending"}, column{"retrying", "report.retrying"}, column{"parked", "report.parked"}, column{"succeeded", "report.succeeded"},
		column{"failed", "report.failed"}, column{"canceled", "report.canceled"}, column{"finished", "finishedAt"})
)

// ReplayStart is the command "replay".
type ReplayStart struct {
	Remote
	Output
	Why
	Sure
	Account     string   `help:"Whose events; needed with the admin token."`
	Destination string   `help:"Only events with a delivery to this destination."`
	To          []string `help:"Destinations that they go to; not given: where each of them went."`
	Since       *Ago     `help:"Only what was accepted from then on: a time, or how long ago it was, such as 1h. Not given: of the last 30 days."`
	Before      *Ago     `help:"Only what was accepted before then."`
	Status      []string `enum:"pending,delivering,retrying,parked,succeeded,failed,canceled" help:"Only events with a delivery in one of these: ${enum}."`
	Type        string   `help:"Only events of this type."`
	Rate        float64  `default:"100" help:"Events a second: 1 to 1000."`
	DryRun      bool     `help:"Only count what matches."`
	Detach      bool     `help:"Return when it has begun; it goes on by itself."`
}

// Run counts, asks, replays and follows.
func (r *ReplayStart) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	account, err := c.account(ctx, r.Account)
	if err != nil {
		return err
	}
	filter := object{"accountID": account}.text("destinationID", r.Destination).text("eventType", r.Type).list("statuses", upper(r.Status))
	r.Since.put(filter, "from")
	r.Before.put(filter, "to")
	input := object{"filter": filter, "rate": r.Rate, "dryRun": true}.list("destinationIDs", r.To).text("reason", r.Reason)
	counted, err := c.change(ctx, replayEvents, "replayEvents", input)
	if err != nil {
		return err
	}
	var dry struct{ Count int }
	if err := json.Unmarshal(counted, &dry); err != nil {
		return err
	}
	if r.DryRun || dry.Count == 0 {
		if r.Output.Output != "table" {
			return r.one(t, counted, nil)
		}
		fmt.Fprintf(t.Out, "%d events match\n", dry.Count)
		return nil
	}
	if err := t.confirm(r.Yes, "%d events match. Send them once more, %g a second?", dry.Count, r.Rate); err != nil {
		return err
	}
	input["dryRun"] = false
	made, err := c.change(ctx, replayEvents, "replayEvents", input)
	if err != nil {
		return err
	}
	begun, err := within(made, "replay")
	if err != nil {
		return err
	}
	if r.Detach {
		return r.one(t, begun, replayColumns)
	}
	var id struct{ ID string }
	if err := json.Unmarshal(begun, &id); err != nil {
		return err
	}
	return c.watch(ctx, t, r.Output, id.ID)
}

// watch follows a replay until it is no longer running, with a bar for a person.
// It goes on without us.
func (c *client) watch(ctx context.Context, t *Terminal, o Output, id string) error {
	var bar *progressbar.ProgressBar
	for {
		var answer json.RawMessage
		if err := c.query(ctx, replayGet, map[string]any{"id": id}, &answer); err != nil {
			if ctx.Err() != nil {
				t.note("\n%s goes on by itself; `datapusher replay watch %s` follows it again", id, id)
				return nil //nolint:nilerr // the user has seen enough
			}
			return err
		}
		object, err := within(answer, "replay")
		if err != nil {
			return err
		}
		var now struct {
			Status                     string
			Matched, Replayed, Skipped int
		}
		if err := json.Unmarshal(object, &now); err != nil {
			return err
		}
		if bar == nil {
			bar = t.bar(int64(now.Matched), "replayed")
		}
		_ = bar.Set(min(now.Replayed+now.Skipped, now.Matched))
		if now.Status != "RUNNING" {
			_ = bar.Finish()
			return o.one(t, object, replayDetails)
		}
		_ = pause(ctx, 500*time.Millisecond)
	}
}

// bar shows progress to a person, and nothing elsewhere.
func (t *Terminal) bar(total int64, what string) *progressbar.ProgressBar {
	if !t.Live {
		return progressbar.DefaultSilent(total)
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(t.Err), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(t.Err) }))
}

// ReplayList is the command "replay ls".
type ReplayList struct {
	Remote
	Output
	Page
	Account string `help:"Only this account's."`
}

// Run lists replays.
func (l *ReplayList) Run(ctx context.Context, t *Terminal) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	out := l.table(t, replayColumns)
	if err := c.list(ctx, l.Page, out, replayList, map[string]any{"where": object{}.text("accountID", l.Account)}, "replays"); err != nil {
		return err
	}
	return out.end("There is no bulk replay.")
}

// ReplayGet is the command "replay get".
type ReplayGet struct {
	Remote
	Output
	ID string `arg:"" help:"rpl_…"`
}

// Run shows one.
func (g *ReplayGet) Run(ctx context.Context, t *Terminal) error {
	c, err := g.dial()
	if err != nil {
		return err
	}
	return c.get(ctx, t, g.Output, replayDetails, replayGet, "replay", g.ID)
}

// ReplayWatch is the command "replay watch".
type ReplayWatch struct {
	Remote
	Output
	ID string `arg:"" help:"rpl_…"`
}

// Run follows one.
func (w *ReplayWatch) Run(ctx context.Context, t *Terminal) error {
	c, err := w.dial()
	if err != nil {
		return err
	}
	return c.watch(ctx, t, w.Output, w.ID)
}

// replaySteer is what the commands that steer a replay share.
type replaySteer struct {
	Remote
	Output
	Why
	ID string `arg:"" help:"rpl_…"`
}

func (s replaySteer) run(ctx context.Context, t *Terminal, document, name string) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	made, err := c.change(ctx, document, name, object{"id": s.ID}.text("reason", s.Reason))
	if err != nil {
		return err
	}
	return s.one(t, made, below("replay", replayColumns))
}

// ReplayPause is the command "replay pause".
type ReplayPause struct{ replaySteer }

// Run pauses one.
func (p *ReplayPause) Run(ctx context.Context, t *Terminal) error {
	return p.run(ctx, t, pauseReplay, "pauseReplay")
}

// ReplayResume is the command "replay resume".
type ReplayResume struct{ replaySteer }

// Run resumes one.
func (r *ReplayResume) Run(ctx context.Context, t *Terminal) error {
	return r.run(ctx, t, resumeReplay, "resumeReplay")
}

// ReplayCancel is the command "replay cancel".
type ReplayCancel struct{ replaySteer }

// Run ends one.
func (r *ReplayCancel) Run(ctx context.Context, t *Terminal) error {
	return r.run(ctx, t, cancelReplay, "cancelReplay")
}
