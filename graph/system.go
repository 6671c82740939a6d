package graph

import (
	"context"
	"strings"
	"time"

	"datapusher/graph/model"
	"datapusher/internal/auth"
	"datapusher/internal/problem"
	"datapusher/internal/statistics"
)

// SystemFacts are what the process knows of itself.
type SystemFacts struct {
	Version, Commit, GoVersion string
	StartedAt                  time.Time
	EngineName, EngineURL      string // URL: of its UI; "": none
}

// checkTime bounds how long the engine may take to say that it is well.
const checkTime = 3 * time.Second

// system is the operator's to see.
func (r *Resolver) system(ctx context.Context) (*model.System, error) {
	switch v := auth.From(ctx); {
	case v == nil:
		return nil, auth.Denied()
	case !v.Everything():
		return nil, problem.New(problem.Forbidden, "how the system does is told with the admin token alone")
	}
	s := &model.System{
		Version: r.facts.Version, GoVersion: r.facts.GoVersion, StartedAt: r.facts.StartedAt, Now: r.now().UTC().Truncate(time.Microsecond),
	}
	if r.facts.Commit != "" {
		s.Commit = &r.facts.Commit
	}
	return s, nil
}

func (r *Resolver) systemDatabase(ctx context.Context) (*model.SystemDatabase, error) {
	version, err := r.db.Version(ctx)
	if err != nil {
		return nil, err
	}
	clock, err := r.db.Clock(ctx, r.now)
	if err != nil {
		return nil, err
	}
	size, err := r.db.Size(ctx)
	if err != nil {
		return nil, err
	}
	d := &model.SystemDatabase{
		Kind: model.DatabaseKindSQLIte, Version: version, ClockOffsetMs: millis(clock.Ahead), RoundTripMs: millis(clock.RoundTrip), SizeBytes: float64(size),
	}
	if r.db.Postgres() {
		d.Kind = model.DatabaseKindPostgres
	}
	return d, nil
}

// systemEngine asks the engine whether it works now.
func (r *Resolver) systemEngine(ctx context.Context) (*model.SystemEngine, error) {
	e := &model.SystemEngine{Name: r.facts.EngineName}
	if r.facts.EngineURL != "" {
		e.URL = &r.facts.EngineURL
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err := r.check(ctx)
	if e.Ready = err == nil; err != nil {
		why := strings.ToValidUTF8(err.Error(), replacement)
		e.Error = &why
	}
	return e, nil
}

func (r *Resolver) check(ctx context.Context) error {
	if r.engine == nil {
		return problem.New(problem.Unavailable, "there is no engine here")
	}
	return r.engine.Check(ctx)
}

func (r *Resolver) processes(ctx context.Context) ([]*statistics.Process, error) {
	if r.counter == nil {
		return []*statistics.Process{}, nil
	}
	return r.counter.Processes(ctx, r.ent)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
