package delivery

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// These bound the attempts going on in this process: at a destination, for an
	// account, and over all.
	perDestination = 128
	perAccount     = 384
	overall        = 1024
	// Attempts at destinations that are slow do not count there, so that those
	// that are well have their places, and have bounds of their own.
	slowOfAccount = 256
	slowOverall   = 512
	// most is where it ends, whoever turns slow while attempts are under way.
	most = 4096
	// maxFlying bytes of events are about what attempts keep in memory.
	maxFlying = 64 << 20
	// slowAfter is how long a destination takes for its answers that is slow.
	slowAfter = 500 * time.Millisecond
	// fastBelow is how long one takes at most of which a crowd is soon served.
	fastBelow = 100 * time.Millisecond
	// maxRemembered destinations are known to be slow while nothing is sent to them.
	maxRemembered = 10_000
	// maxLook bounds how many destinations are asked whom a free slot serves.
	maxLook = 64
	// sweepEvery is how often those that have turned slow are looked for.
	sweepEvery = 50 * time.Millisecond
)

// slots bound the attempts that go on at the same time: for each destination
// until the answer is there, and over all until it is recorded. Who waits is
// served in order within its destination, and destinations in turn.
type slots struct {
	now func() time.Time

	mu        sync.Mutex
	all, slow int // slots that are taken: all of them, and those at slow destinations
	coming    int // attempts that were begun and have not asked for a place yet
	waiting   int
	bytes     int // of events that are coming, or being sent to destinations that are well
	accounts  map[string]*share
	by        map[string]*places
	line      []*places     // have somebody waiting
	free      chan struct{} // closed when something becomes free; nil where nobody waits for that
	swept     time.Time
}

// share is what an account has of everything.
type share struct{ all, slow, coming, waiting int }

// places are those of one destination.
type places struct {
	id      string
	account *share
	used    int
	charged int           // of used, as slow
	bytes   int           // of events that are being sent, unless they are charged
	latency time.Duration // of its answers, smoothed
	heard   time.Time     // when it last answered, or was first asked since it was idle
	queue   []*waiter
}

// waiter waits for a place for an event of that many bytes.
type waiter struct {
	turn chan struct{}
	size int
}

func newSlots(now func() time.Time) *slots {
	return &slots{now: now, accounts: make(map[string]*share), by: make(map[string]*places)}
}

// try takes a slot if one is free and nobody waits for it, and takes back an
// announcement of that many attempts and bytes. Otherwise ours tells that it is the
// process or the account that is at its limit, and not the destination.
func (s *slots) try(destination, account string, size, announced, bytes int) (taken, ours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(destination, account)
	if len(p.queue) == 0 && s.fits(p) {
		s.take(p, size)
		s.coming -= announced
		p.account.coming -= announced
		s.bytes -= bytes
		return true, false
	}
	ours = len(p.queue) == 0 && p.used < perDestination && !s.isSlow(p)
	s.forget(p, account)
	return false, ours
}

// acquire waits for a slot until ctx ends.
func (s *slots) acquire(ctx context.Context, destination, account string, size int) bool {
	s.mu.Lock()
	p := s.of(destination, account)
	if len(p.queue) == 0 && s.fits(p) {
		s.take(p, size)
		s.mu.Unlock()
		return true
	}
	turn := &waiter{turn: make(chan struct{}), size: size}
	if len(p.queue) == 0 {
		s.line = append(s.line, p)
	}
	p.queue = append(p.queue, turn)
	s.waiting++
	p.account.waiting++
	s.mu.Unlock()
	select {
	case <-turn.turn:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(p.queue, turn)
	if i < 0 {
		return true // it came at the last moment
	}
	p.queue = slices.Delete(p.queue, i, i+1)
	s.waiting--
	p.account.waiting--
	if len(p.queue) == 0 {
		s.line = slices.DeleteFunc(s.line, func(one *places) bool { return one == p })
	}
	s.forget(p, account)
	return false
}

// room waits until the process has something for an account, or ctx ends.
func (s *slots) room(ctx context.Context, account string) bool {
	for {
		s.mu.Lock()
		a := s.accounts[account]
		if s.all < most && s.well() < overall && (a == nil || a.all-a.slow < perAccount) {
			s.mu.Unlock()
			return true
		}
		if s.free == nil {
			s.free = make(chan struct{})
		}
		free := s.free
		s.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return false
		}
	}
}

// crowds reports whether more comes for a destination than it takes: it has no
// place left, whoever has those of the whole process, and what waits for one
// waits long. Where it is fast, it is this machine that has too much to do.
func (s *slots) crowds(destination string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[destination]
	if p == nil || s.isFast(p) {
		return false
	}
	return p.used >= perDestination ||
		s.isSlow(p) && (s.slow >= slowOverall || p.account.slow >= slowOfAccount)
}

// fast reports whether a destination answers so soon that a crowd is soon served.
func (s *slots) fast(destination string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[destination]
	return p == nil || s.isFast(p)
}

func (s *slots) isFast(p *places) bool { return !s.isSlow(p) && p.latency < fastBelow }

// answered gives the destination's part of a slot back, after so long; recorded
// the rest.
func (s *slots) answered(destination, account string, size int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[destination]
	p.used--
	p.heard = s.now()
	size = min(size, p.bytes)
	p.bytes -= size
	s.bytes -= size
	if took > 0 {
		p.latency += (took - p.latency) / 4
	}
	if p.charged > 0 {
		s.charge(p, -1)
	}
	s.serve()
	s.forget(p, account)
}

func (s *slots) recorded(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	a := s.accounts[account]
	a.all--
	s.leave(account)
	s.serve()
	if s.free != nil {
		close(s.free)
		s.free = nil
	}
}

// release gives a whole slot back that nothing was sent in.
func (s *slots) release(destination, account string, size int) {
	s.answered(destination, account, size, 0)
	s.recorded(account)
}

// announce counts attempts that will ask for a place, and bytes of their events;
// the numbers are negative when they do.
func (s *slots) announce(account string, n, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expect(account, n, bytes)
}

// announceAll does so for first attempts.
func (s *slots) announceAll(flights []flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range flights {
		f := &flights[i]
		f.announced = len(f.row.payload)
		s.expect(f.account, 1, f.announced)
	}
}

func (s *slots) expect(account string, n, bytes int) {
	s.coming += n
	s.bytes += bytes
	s.share(account).coming += n
	s.leave(account)
}

// crowded reports whether enough attempts go on, or wait, for all together.
func (s *slots) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.coming+s.well() >= overall+overall/2 || s.waiting >= maxWaiting/2 || s.bytes >= maxFlying
}

// busy reports whether enough attempts go on, or wait, for an account.
func (s *slots) busy(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[account]
	return a != nil && a.busy()
}

// busyAccounts are the accounts that are.
func (s *slots) busyAccounts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{}
	for account, a := range s.accounts {
		if a.busy() {
			all = append(all, account)
		}
	}
	return all
}

func (a *share) busy() bool { return a.coming+a.waiting+a.all-a.slow >= perAccount+perAccount/2 }

// well is how many slots are taken at destinations that are well.
func (s *slots) well() int {
	if s.all-s.slow >= overall && s.now().Sub(s.swept) >= sweepEvery {
		s.swept = s.now()
		for _, p := range s.by {
			s.judge(p)
		}
	}
	return s.all - s.slow
}

func (s *slots) fits(p *places) bool {
	if p.used >= perDestination || s.all >= most {
		return false
	}
	if s.judge(p) {
		return s.slow < slowOverall && p.account.slow < slowOfAccount
	}
	return s.well() < overall && p.account.all-p.account.slow < perAccount
}

func (s *slots) isSlow(p *places) bool {
	return p.latency > slowAfter || p.used > 0 && s.now().Sub(p.heard) > slowAfter
}

// judge reports whether a destination is slow, and has all its attempts count so.
func (s *slots) judge(p *places) bool {
	if !s.isSlow(p) {
		return false
	}
	s.charge(p, p.used-p.charged)
	s.bytes -= p.bytes
	p.bytes = 0
	return true
}

func (s *slots) charge(p *places, n int) {
	p.charged += n
	p.account.slow += n
	s.slow += n
}

func (s *slots) take(p *places, size int) {
	if p.used == 0 {
		p.heard = s.now()
	}
	p.used++
	p.bytes += size
	s.bytes += size
	s.all++
	p.account.all++
	s.judge(p)
}

// serve gives what has become free to those who wait.
func (s *slots) serve() {
	for misses := 0; misses < min(len(s.line), maxLook); {
		p := s.line[0]
		s.line = s.line[1:]
		if !s.fits(p) {
			misses++
			s.line = append(s.line, p)
			continue
		}
		misses = 0
		s.take(p, p.queue[0].size)
		close(p.queue[0].turn)
		s.waiting--
		p.account.waiting--
		if p.queue = p.queue[1:]; len(p.queue) > 0 {
			s.line = append(s.line, p)
		}
	}
}

func (s *slots) of(destination, account string) *places {
	p := s.by[destination]
	if p == nil {
		p = &places{id: destination}
		s.by[destination] = p
	}
	if p.used == 0 && len(p.queue) == 0 {
		p.account = s.share(account)
	}
	return p
}

func (s *slots) share(account string) *share {
	a := s.accounts[account]
	if a == nil {
		a = &share{}
		s.accounts[account] = a
	}
	return a
}

// forget drops what is known of an idle destination, unless that it is slow, or
// may turn out to be.
func (s *slots) forget(p *places, account string) {
	if p.used == 0 && len(p.queue) == 0 && (p.latency < slowAfter/8 || len(s.by) > maxRemembered) {
		delete(s.by, p.id)
	}
	s.leave(account)
}

func (s *slots) leave(account string) {
	if a := s.accounts[account]; a != nil && *a == (share{}) {
		delete(s.accounts, account)
	}
}
