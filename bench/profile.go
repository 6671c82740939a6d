package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile keeps what Data Pusher's processes say of themselves during a
// measurement.
func (s *scene) profile(ctx context.Context, duration time.Duration) {
	seconds := int(max(duration-2*time.Second, time.Second).Seconds())
	for name, server := range s.servers {
		base := filepath.Join(s.profiles, s.Name+"."+strings.ReplaceAll(name, " ", ""))
		for kind, query := range map[string]string{
			"cpu": fmt.Sprintf("profile?seconds=%d", seconds), "allocs": fmt.Sprintf("allocs?seconds=%d", seconds),
			"mutex": fmt.Sprintf("mutex?seconds=%d", seconds), "block": fmt.Sprintf("block?seconds=%d", seconds),
		} {
			go func() {
				if err := download(ctx, "http://"+server.Profile+"/debug/pprof/"+query, base+"."+kind+".pprof"); err != nil {
					fmt.Fprintln(os.Stderr, "bench: profile:", err)
				}
			}()
		}
	}
}

func download(ctx context.Context, url, file string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
