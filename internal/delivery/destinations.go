package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"sync"
	"time"

	entdestination "datapusher/ent/destination"
	"datapusher/internal/breaker"
	"datapusher/internal/schedule"
	"datapusher/internal/secret"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// settingsTTL is how old the settings of an attempt may be that another process
// has changed. In the process that changes them they are right at once.
const settingsTTL = time.Second

// maxCached bounds the destinations, and so the plaintext, held in memory.
const maxCached = 10_000

// keptFor is how long a destination is held that is not asked for: longer than an
// attempt waits for its place, which looks at the standing in between.
const keptFor = time.Minute

// destination is what an attempt needs to know, secrets in the clear.
type destination struct {
	settings
	policy  Policy
	headers []sender.Header
	keys    []vault.SigningSecret
	allow   []netip.Prefix // the account's own networks
	hidden  []string       // what answers are kept without
	broken  error          // something of it cannot be read: what is sealed, the schedule, a newer version's method
	label   string
	loaded  time.Time
	stoodAt time.Time // when its standing changed here, after it was loaded
}

// deadline is how long an attempt may take.
func (d *destination) deadline() time.Duration {
	if d == nil || d.timeout <= 0 {
		return sender.DefaultTimeout
	}
	return d.timeout
}

// destinations caches settings. Who gets an event is never decided from here.
type destinations struct {
	store store
	box   *secret.Box
	now   func() time.Time

	mu      sync.Mutex
	by      map[string]*destination
	version int // counts forgets, so that a read that began before one is not kept
}

func newDestinations(s store, box *secret.Box, now func() time.Time) *destinations {
	return &destinations{store: s, box: box, now: now, by: make(map[string]*destination)}
}

func (d *destinations) forget(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.version++
	for id, one := range d.by {
		if one.account == account {
			delete(d.by, id)
		}
	}
}

// apply makes a change of a destination's standing known at once in this process.
func (d *destinations) apply(id string, s breaker.Standing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.version++
	if one, ok := d.by[id]; ok {
		d.by[id] = one.standing(&destination{stoodAt: d.now(), settings: settings{
			state: string(s.State), reason: s.Reason, draining: s.Draining, troubled: s.Troubled(),
		}})
	}
}

// latest is what this process knows of a destination by now: settings that were
// read later than these, and a standing that has changed since.
func (d *destinations) latest(one *destination) *destination {
	if one == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.by[one.id]
	switch {
	case !ok:
		return one
	case known.loaded.After(one.loaded):
		return known
	case known.stoodAt.After(one.loaded):
		return one.standing(known)
	}
	return one
}

// standing is a destination that stands as another does.
func (d *destination) standing(as *destination) *destination {
	changed := *d
	changed.state, changed.reason, changed.draining = as.state, as.reason, as.draining
	changed.troubled, changed.stoodAt = as.troubled, as.stoodAt
	return &changed
}

// put makes settings known that were read just now.
func (d *destinations) put(s settings) *destination {
	one := d.open(s, d.now())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.version++
	d.keep(one)
	return one
}

// keep holds a destination, within the bound. The caller has the lock.
func (d *destinations) keep(one *destination) {
	if _, ok := d.by[one.id]; !ok && len(d.by) >= maxCached {
		clear(d.by)
	}
	d.by[one.id] = one
}

// sweep drops what was read a while ago, and with it plaintext that another process
// may have replaced: it is not used any more since settingsTTL. Attempts under way
// share it, so its bytes are left to the garbage collector.
func (d *destinations) sweep() {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.by, func(_ string, one *destination) bool { return now.Sub(one.loaded) >= keptFor })
}

// get returns the destinations with those ids; unknown ones are missing.
func (d *destinations) get(ctx context.Context, ids ...string) (map[string]*destination, error) {
	found := make(map[string]*destination, len(ids))
	var missing []string
	now := d.now()
	d.mu.Lock()
	version := d.version
	for _, id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		one, ok := d.by[id]
		if ok && now.Sub(one.loaded) < settingsTTL {
			found[id] = one
			continue
		}
		found[id] = nil
		missing = append(missing, id)
	}
	d.mu.Unlock()
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := d.store.destinations(ctx, missing)
	if err != nil {
		return nil, err
	}
	for _, s := range rows {
		found[s.id] = d.open(s, now)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version == version {
		for _, s := range rows {
			d.keep(found[s.id])
		}
	}
	return found, nil
}

func (d *destinations) open(s settings, now time.Time) *destination {
	one := &destination{settings: s, loaded: now, label: label(s), policy: Policy{GiveUpAfter: s.giveUpAfter}}
	var err error
	if one.policy.Schedule, err = schedule.Parse(s.schedule); err != nil {
		one.broken = fmt.Errorf("the retry schedule of %s cannot be read: %w", s.id, err)
	} else if err = entdestination.HTTPMethodValidator(entdestination.HTTPMethod(s.method)); err != nil {
		one.broken = fmt.Errorf("the method of %s is not known to this version: %w", s.id, err)
	} else if one.headers, err = vault.OpenHeaders(d.box, s.id, s.account, s.headers); err != nil {
		one.broken = fmt.Errorf("the headers of %s cannot be opened: %w", s.id, err)
	} else if one.keys, err = vault.OpenSecrets(d.box, s.id, s.account, s.secrets); err != nil {
		one.broken = fmt.Errorf("the signing secrets of %s cannot be opened: %w", s.id, err)
	} else if one.allow, err = networks(s.allowCIDRs); err != nil {
		one.broken = fmt.Errorf("the networks of account %s cannot be read: %w", s.account, err)
	}
	one.hidden = hidden(one.headers, one.keys)
	return one
}

// networks reads an account's own networks; null is none.
func networks(text []byte) ([]netip.Prefix, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var all []netip.Prefix
	return all, json.Unmarshal(text, &all)
}

// label is what the engine's UI may show of a destination: no path, no query.
func label(s settings) string {
	host := "?"
	if u, err := url.Parse(s.url); err == nil {
		host = u.Host
	}
	if s.name == "" {
		return s.method + " " + host
	}
	return fmt.Sprintf("%s %s (%s)", s.method, host, s.name)
}

// display is the label of a destination that may be unknown.
func (d *destination) display() string {
	if d == nil {
		return ""
	}
	return d.label
}
