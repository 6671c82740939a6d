package statistics

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"entgo.io/ent/dialect/sql"

	"datapusher/ent"
	"datapusher/ent/predicate"
	"datapusher/ent/statistic"
	"datapusher/internal/auth"
	"datapusher/internal/id"
)

// Report is the answer to a [Question].
type Report struct {
	From, To time.Time
	Step     time.Duration
	Totals   Figures
	Buckets  []*Bucket
	// Results are how attempts ended, the most frequent first.
	Results []*ResultCount
	// AttemptDurations and DeliveryDurations are without gaps.
	AttemptDurations, DeliveryDurations []*DurationCount

	question Question
	span     span
}

// Bucket is one step of a report.
type Bucket struct {
	At      time.Time
	Figures Figures
}

// Figures are what is counted. They are whole numbers.
type Figures struct {
	Events, Deliveries, Attempts, FailedAttempts, Succeeded, Failed float64
	// SuccessRate is the share of attempts that the receiver accepted; nil: there was none.
	SuccessRate *float64
	// AttemptDuration and DeliveryDuration are nil where there is nothing to measure.
	AttemptDuration, DeliveryDuration *Percentiles
}

// ResultCount is how often attempts ended in one way: with a status, or in an
// error's class.
type ResultCount struct {
	Status     *int
	ErrorClass *string
	Count      float64
}

// maxResults is how many results a report tells.
const maxResults = 50

// Ask answers a question about what the viewer may see: what it may not has never
// happened.
func Ask(ctx context.Context, client *ent.Client, q Question, now time.Time) (*Report, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	s, err := q.span(now)
	if err != nil {
		return nil, err
	}
	if v := auth.From(ctx); q.AccountID == "" && q.DestinationID == "" && !v.Everything() {
		q.AccountID = v.AccountID
	}
	r := &Report{From: s.from, To: s.to, Step: s.step, question: q, span: s}
	from, to := s.ids(cmp.Or(q.DestinationID, q.AccountID, everything))
	rows, err := client.Statistic.Query().Where(statistic.IDGTE(from), statistic.IDLT(to)).Where(q.account()...).All(ctx)
	if err != nil {
		return nil, err
	}
	each, all := make([]counts, s.count()), counts{}
	for _, row := range rows {
		n, err := countsOf(row)
		if err != nil {
			return nil, err
		}
		all.merge(n)
		each[row.At.Sub(s.from)/s.step].merge(n)
	}
	r.Totals = all.figures()
	for i := range each {
		r.Buckets = append(r.Buckets, &Bucket{At: s.from.Add(time.Duration(i) * s.step), Figures: each[i].figures()})
	}
	r.Results = all.results()
	r.AttemptDurations, r.DeliveryDurations = all.detail.Attempts.bars(), all.detail.Deliveries.bars()
	return r, nil
}

// account narrows rows to an account that is named.
func (q Question) account() []predicate.Statistic {
	if q.AccountID == "" {
		return nil
	}
	return []predicate.Statistic{statistic.AccountID(q.AccountID)}
}

// countsOf reads a row. A destination's events are its deliveries.
func countsOf(row *ent.Statistic) (*counts, error) {
	d, err := decode(row.Detail)
	if err != nil {
		return nil, fmt.Errorf("statistics %s: %w", row.ID, err)
	}
	n := &counts{
		events: row.Events, deliveries: row.Deliveries, attempts: row.Attempts, failedAttempts: row.FailedAttempts,
		succeeded: row.Succeeded, failed: row.Failed, detail: d,
	}
	if row.DestinationID != "" {
		n.events = n.deliveries
	}
	return n, nil
}

func (c *counts) figures() Figures {
	f := Figures{
		Events: float64(c.events), Deliveries: float64(c.deliveries), Attempts: float64(c.attempts),
		FailedAttempts: float64(c.failedAttempts), Succeeded: float64(c.succeeded), Failed: float64(c.failed),
		AttemptDuration: c.detail.Attempts.percentiles(), DeliveryDuration: c.detail.Deliveries.percentiles(),
	}
	if c.attempts > 0 {
		rate := float64(c.attempts-c.failedAttempts) / float64(c.attempts)
		f.SuccessRate = &rate
	}
	return f
}

func (c *counts) results() []*ResultCount {
	all := make([]*ResultCount, 0, len(c.Statuses)+len(c.Classes))
	for status, n := range c.Statuses {
		all = append(all, &ResultCount{Status: &status, Count: float64(n)})
	}
	for class, n := range c.Classes {
		all = append(all, &ResultCount{ErrorClass: &class, Count: float64(n)})
	}
	slices.SortFunc(all, func(a, b *ResultCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.name(), b.name()))
	})
	return all[:min(len(all), maxResults)]
}

func (r *ResultCount) name() string {
	if r.Status != nil {
		return strconv.Itoa(*r.Status)
	}
	return *r.ErrorClass
}

// failing is the condition of the partial index, as it stands there.
func failing(s *sql.Selector) { s.Where(sql.ExprP(s.C(statistic.FieldFailedAttempts) + " > 0")) }

// DestinationFigures are the figures of one destination.
type DestinationFigures struct {
	DestinationID string
	Figures       Figures
}

// Troubled are the destinations with the most failed attempts in the report's
// span, the worst first.
func (r *Report) Troubled(ctx context.Context, client *ent.Client, limit int) ([]*DestinationFigures, error) {
	const sum = "failures"
	of := client.Statistic.Query().Where(statistic.Hourly(r.span.hourly), statistic.AtGTE(r.span.from), statistic.AtLT(r.span.to),
		statistic.DestinationIDNotNil(), failing).Where(r.question.account()...)
	if r.question.DestinationID != "" {
		of.Where(statistic.DestinationID(r.question.DestinationID))
	}
	var worst []struct {
		DestinationID string `json:"destination_id"`
		Failures      int64  `json:"failures"`
	}
	err := of.Order(func(s *sql.Selector) { s.OrderBy(sql.Desc(sum), s.C(statistic.FieldDestinationID)) }).Limit(limit).
		GroupBy(statistic.FieldDestinationID).Aggregate(ent.As(ent.Sum(statistic.FieldFailedAttempts), sum)).Scan(ctx, &worst)
	if err != nil || len(worst) == 0 {
		return []*DestinationFigures{}, err
	}
	ranges, by := make([]predicate.Statistic, len(worst)), make(map[string]*counts, len(worst))
	for i, w := range worst {
		from, to := r.span.ids(w.DestinationID)
		ranges[i], by[w.DestinationID] = statistic.And(statistic.IDGTE(from), statistic.IDLT(to)), &counts{}
	}
	rows, err := client.Statistic.Query().Where(statistic.Or(ranges...)).Where(r.question.account()...).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		n, err := countsOf(row)
		if err != nil {
			return nil, err
		}
		if of := by[row.DestinationID]; of != nil {
			of.merge(n)
		}
	}
	all := make([]*DestinationFigures, len(worst))
	for i, w := range worst {
		all[i] = &DestinationFigures{DestinationID: w.DestinationID, Figures: by[w.DestinationID].figures()}
	}
	return all, nil
}

// Process is one that has written something of late.
type Process struct {
	ID                  string
	StartedAt, LastSeen time.Time
	Current             bool
}

// processSilence is how long a process may have written nothing.
const processSilence = 5 * time.Minute

// Processes are those that have written in the last 5 minutes, the oldest first.
// They are the operator's to see.
func (c *Counter) Processes(ctx context.Context, client *ent.Client) ([]*Process, error) {
	now := c.o.Now()
	rows, err := client.Statistic.Query().
		Where(statistic.IDGTE(prefix(everything, false)+moment(now.Add(-processSilence).Unix()/60)), statistic.IDLT(prefix(everything, false)+"~")).
		Select(statistic.FieldWriter, statistic.FieldUpdatedAt).All(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string]*Process{c.writer: {ID: c.writer, StartedAt: id.TimeOf(c.writer), LastSeen: now.UTC().Truncate(time.Microsecond), Current: true}}
	for _, row := range rows {
		p := by[row.Writer]
		if p == nil {
			p = &Process{ID: row.Writer, StartedAt: id.TimeOf(row.Writer)}
			by[row.Writer] = p
		}
		if row.UpdatedAt.After(p.LastSeen) {
			p.LastSeen = row.UpdatedAt.UTC()
		}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b *Process) int { return cmp.Compare(a.ID, b.ID) }), nil
}
