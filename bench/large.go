package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"datapusher/bench/history"
)

// pending is how many deliveries the backlog has.
const pending = 200_000

// backlog measures how fast deliveries leave that were accepted while nothing
// worked: Temporal was stopped, and there was no worker.
func backlog(ctx context.Context, b *bench, w Workload) (*Row, error) {
	w.Shape = NoTemporal
	s, err := newScene(ctx, b, w)
	if err != nil {
		return nil, err
	}
	defer s.close()
	front, err := s.stack.Serve(ctx, "serve", "serve", "--migrate")
	if err != nil {
		return nil, err
	}
	s.door = front.URL
	if err := s.populate(ctx); err != nil {
		return nil, err
	}
	g, err := startGenerator(ctx, []string{
		"-url", s.door + "/server/incoming_data/batch", "-tokens", s.tokens, "-accepted", s.accepted,
		"-batch", "100", "-count", strconv.Itoa(pending / 100), "-connections", "16",
	})
	if err != nil {
		return nil, err
	}
	result, err := g.result()
	if err != nil {
		return nil, err
	}
	row := rowOf(result)
	front.Stop()
	if err := s.stack.StartTemporal(ctx); err != nil {
		return nil, err
	}
	m, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	row.Backlog = result.Events
	if err := s.serve(ctx); err != nil {
		return nil, err
	}
	if err := m.drain(ctx, row, result.Events); err != nil {
		return nil, err
	}
	row.Delivered = float64(result.Events) / row.Drain
	if err := m.end(ctx, row); err != nil {
		return nil, err
	}
	row.EndToEnd = nil // they say how long it was stopped
	return row, s.check(ctx, row)
}

// grown measures with so many events in the tables, of the same account and
// destination as what comes in.
func grown(events int) func(context.Context, *bench, Workload) (*Row, error) {
	return func(ctx context.Context, b *bench, w Workload) (*Row, error) {
		s, err := ready(ctx, b, w)
		if err != nil {
			return nil, err
		}
		defer s.close()
		db, err := s.stack.Database(ctx)
		if err != nil {
			return nil, err
		}
		defer db.Close()
		began := time.Now()
		err = history.Load(ctx, db.Write, history.Options{Events: events, Into: s.ids, Progress: func(n int) {
			fmt.Fprintf(os.Stderr, "\r  history: %d of %d events", n, events)
		}})
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "  loaded in %s\n", time.Since(began).Round(time.Second))
		row, err := s.push(ctx, b.duration)
		if err != nil {
			return nil, err
		}
		return row, s.check(ctx, row)
	}
}
