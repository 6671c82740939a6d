package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"datapusher/internal/httpapi"
)

// Work makes attempts until ctx ends, without serving the API. Then those that are
// going on end, within ShutdownTimeout.
func Work(ctx context.Context, c Config) error {
	if err := c.validate(false); err != nil {
		return err
	}
	b, err := newBase(ctx, c, Options{Work: true})
	if err != nil {
		return err
	}
	if c.MetricsListen != "" {
		stop, err := b.serveMetrics(ctx)
		if err != nil {
			b.close()
			return err
		}
		b.onClose(stop)
	}
	b.logger.Info("working", "engine", c.Engine)
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		b.work(ctx)
	}()
	<-ctx.Done()
	b.logger.Info("stopping: attempts that are going on may end", "within", c.ShutdownTimeout)
	b.inTime(func(context.Context) {
		<-worked
		b.close()
	})
	return nil
}

func (b *base) serveMetrics(ctx context.Context) (stop func(), err error) {
	l, err := b.listenOn(ctx, b.config.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", b.config.MetricsListen, err)
	}
	server := httpapi.NewServer(b.metrics.Handler(), httpapi.ServerOptions{MaxConnections: b.config.MaxConnections, Logger: b.logger})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			b.logger.Error("the metrics listener ended", "error", err)
		}
	}()
	return func() {
		_ = server.Close()
		<-ended
	}, nil
}
