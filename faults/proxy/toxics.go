package proxy

import (
	"bytes"
	"math/rand/v2"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

func init() {
	toxics.Register("hold", new(hold))
	toxics.Register("cut_answers", new(cutAnswers))
	toxics.Register("cut_commits", new(cutCommits))
}

// hold takes nothing in until it is taken away.
type hold struct{}

// Pipe implements toxics.Toxic.
func (*hold) Pipe(stub *toxics.ToxicStub) { <-stub.Interrupt }

// cutAnswers drops a share of what comes, and closes the connection.
type cutAnswers struct {
	Percent float64 `json:"percent"`
	Counter string  `json:"counter"`
}

// Pipe implements toxics.Toxic.
func (t *cutAnswers) Pipe(stub *toxics.ToxicStub) {
	pass(stub, func(*stream.StreamChunk) bool {
		if rand.Float64()*100 >= t.Percent {
			return true
		}
		counter(t.Counter).Add(1)
		stub.Close()
		return false
	})
}

// cutCommits closes the connection at a share of COMMITs.
type cutCommits struct {
	Percent float64 `json:"percent"`
	Counter string  `json:"counter"`
}

// commit is how the message of a simple query ends.
var commit = []byte("COMMIT\x00")

// Pipe implements toxics.Toxic.
func (t *cutCommits) Pipe(stub *toxics.ToxicStub) {
	pass(stub, func(c *stream.StreamChunk) bool {
		if !bytes.Contains(c.Data, commit) || rand.Float64()*100 >= t.Percent {
			return true
		}
		counter(t.Counter).Add(1)
		if rand.IntN(2) == 0 {
			stub.Output <- c // it gets there, and the answer has no way back
		}
		stub.Close()
		return false
	})
}

// pass hands on what is let through, until something is not.
func pass(stub *toxics.ToxicStub, let func(c *stream.StreamChunk) bool) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			if !let(c) {
				return
			}
			stub.Output <- c
		}
	}
}
