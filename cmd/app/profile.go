package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"
)

const (
	// mutexFraction is how many contentions one sample of the mutex profile stands
	// for, and blockRate how much waiting one of the block profile: few enough to
	// cost nothing that can be measured.
	mutexFraction = 100
	blockRate     = 10 * time.Millisecond
)

// serveProfiles listens for net/http/pprof on an address of its own: profiles
// tell what a process does, so they are on no listener that others reach.
func (b *base) serveProfiles(ctx context.Context) (stop func(), err error) {
	l, err := b.listenOn(ctx, b.config.ProfileListen)
	if err != nil {
		return nil, fmt.Errorf("--profile-listen: %w", err)
	}
	runtime.SetMutexProfileFraction(mutexFraction)
	runtime.SetBlockProfileRate(int(blockRate))
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // ends with Close
	}()
	return func() {
		_ = server.Close()
		<-ended
	}, nil
}
