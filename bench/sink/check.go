package sink

import (
	"fmt"

	"datapusher/bench/load/ledger"
)

// Expectation is that each accepted event arrived once at each destination.
type Expectation struct {
	Accepted     string   `json:"accepted"`           // the file of a generator
	Destinations []uint32 `json:"destinations"`       // that all have to have them
	Accounts     []uint32 `json:"accounts,omitempty"` // whose events; none is everybody's
}

// Verdict is how an expectation was met. All counts but the first are of pairs of
// an event and a destination.
type Verdict struct {
	Accepted   int64    `json:"accepted"`   // events in the file
	Missing    int64    `json:"missing"`    // accepted, never arrived
	Duplicates int64    `json:"duplicates"` // arrivals after the first
	Unexpected int64    `json:"unexpected"` // arrived, never accepted
	Uncertain  int64    `json:"uncertain"`  // arrived, and the door's answer had been lost or a failure
	Examples   []string `json:"examples,omitempty"`
}

const maxExamples = 5

func (v *Verdict) example(what string, k key, number uint32) {
	if len(v.Examples) == maxExamples {
		return
	}
	text := fmt.Sprintf("%s: %s at destination %d", what, k.id, k.destination)
	if number != noNumber {
		text += fmt.Sprintf(", number %d", number)
	}
	v.Examples = append(v.Examples, text)
}

// Check compares what arrived with what was accepted. One runs at a time.
func (s *Sink) Check(x Expectation) (Verdict, error) {
	s.checking.Lock()
	defer s.checking.Unlock()
	s.memory.each(func(p *shard) { p.table.each(func(e *entry) { e.marked = false }) })

	var v Verdict
	accounts, uncertain := set(x.Accounts), make(map[uint32]bool)
	for r, err := range ledger.ReadFile(x.Accepted) {
		if err != nil {
			return Verdict{}, err
		}
		if len(accounts) > 0 && !accounts[r.Account] {
			continue
		}
		if r.Kind == ledger.Uncertain {
			uncertain[uint32(min(r.Number, noNumber))] = true
			continue
		}
		v.Accepted++
		for _, d := range x.Destinations {
			k := key{id: r.ID, destination: d}
			if !s.memory.find(k, func(e *entry) { e.marked = true }) {
				v.Missing++
				v.example("missing", k, uint32(min(r.Number, noNumber)))
			}
		}
	}
	s.judge(&v, set(x.Destinations), uncertain)
	return v, nil
}

// judge counts what arrived more often than it should, or should not have.
func (s *Sink) judge(v *Verdict, listed, uncertain map[uint32]bool) {
	s.memory.each(func(p *shard) {
		p.table.each(func(e *entry) {
			if !listed[e.destination] {
				return
			}
			if e.again > 0 {
				v.Duplicates += int64(e.again)
				v.example("duplicate", e.key, e.number)
			}
			if e.marked {
				return
			}
			if e.number != noNumber && uncertain[e.number] {
				v.Uncertain++
				return
			}
			v.Unexpected++
			v.example("unexpected", e.key, e.number)
		})
	})
}

func set(list []uint32) map[uint32]bool {
	is := make(map[uint32]bool, len(list))
	for _, v := range list {
		is[v] = true
	}
	return is
}
