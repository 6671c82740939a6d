// Package proxy stands between a process and its server, Postgres or Temporal, and
// does to their connections what networks and crashes do: slow, held up, lost in
// one direction, cut after the server has executed and before it has answered, cut
// within a COMMIT. The proxy is Toxiproxy, in this process; what it does not bring
// along are toxics of our own.
package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Way is a direction.
type Way string

// The directions.
const (
	ToServer   Way = "upstream"
	FromServer Way = "downstream"
)

// Proxy is one server as others reach it.
type Proxy struct {
	name  string
	proxy *toxiproxy.Proxy
	mu    sync.Mutex // one change at a time
}

// New listens at a free loopback address for connections to upstream. The name
// is unique in this process.
func New(name, upstream string) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := &Proxy{name: name, proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	counters.Store(name, new(atomic.Int64))
	if err := p.proxy.Start(); err != nil {
		return nil, fmt.Errorf("stand before %s: %w", name, err)
	}
	return p, nil
}

// Address is where it listens. It stays the same.
func (p *Proxy) Address() string { return p.proxy.Listen }

// Cuts counts the connections that [Proxy.CutAnswers] and [Proxy.CutCommits] have cut.
func (p *Proxy) Cuts() int64 { return counter(p.name).Load() }

// Slow delays what is sent in both directions.
func (p *Proxy) Slow(by, jitter time.Duration) error {
	for _, way := range []Way{ToServer, FromServer} {
		if err := p.add("latency", way, map[string]any{"latency": by.Milliseconds(), "jitter": jitter.Milliseconds()}); err != nil {
			return err
		}
	}
	return nil
}

// Hold lets nothing pass in a direction until Mend. Then all of it arrives, late.
func (p *Proxy) Hold(way Way) error { return p.add("hold", way, nil) }

// Lose drops what is sent in a direction. Mend ends the connections that have lost
// something.
func (p *Proxy) Lose(way Way) error { return p.add("timeout", way, map[string]any{"timeout": 0}) }

// CutAnswers loses that share, in percent, of what the server sends, and the
// connection with it: the server has executed what was asked, and nobody hears of it.
func (p *Proxy) CutAnswers(percent float64) error {
	return p.add("cut_answers", FromServer, map[string]any{"percent": percent, "counter": p.name})
}

// CutCommits cuts the connection at that share, in percent, of Postgres's COMMITs:
// at half of them before the server has it, at half as soon as it has, so that hardly
// an answer gets through.
func (p *Proxy) CutCommits(percent float64) error {
	return p.add("cut_commits", ToServer, map[string]any{"percent": percent, "counter": p.name})
}

func (p *Proxy) add(kind string, way Way, attributes map[string]any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := json.Marshal(map[string]any{"type": kind, "stream": string(way), "toxicity": 1, "attributes": attributes})
	if err != nil {
		return err
	}
	if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
		return fmt.Errorf("%s of %s: %w", kind, p.name, err)
	}
	return nil
}

// mendTime is how long connections may take to be as they were. One that does not
// come to it is cut.
const mendTime = 5 * time.Second

// Mend takes everything away that was added.
func (p *Proxy) Mend() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.proxy.Toxics.ResetToxics(context.Background())
	}()
	select {
	case <-done:
		return nil
	case <-time.After(mendTime):
	}
	p.proxy.Stop() // whoever is stuck in a connection gets loose when it ends
	<-done
	return p.proxy.Start()
}

// Cut ends all connections.
func (p *Proxy) Cut() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proxy.Stop()
	return p.proxy.Start()
}

// Down ends all connections and lets nobody in, until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proxy.Stop()
}

// Up lets connections in again.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proxy.Start()
}

// Close ends it.
func (p *Proxy) Close() {
	p.Down()
	counters.Delete(p.name)
}

// counters are those of proxies by name: Toxiproxy makes toxics of JSON alone.
var counters sync.Map

func counter(name string) *atomic.Int64 {
	if c, ok := counters.Load(name); ok {
		return c.(*atomic.Int64)
	}
	return new(atomic.Int64)
}
