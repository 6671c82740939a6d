package httpapi

import (
	"context"
	"strconv"
	"sync"

	"datapusher/internal/auth"
	"datapusher/internal/problem"
)

// maxAliases is how many accounts' integers are remembered. Beyond it they are
// looked up again: slower, never wrong.
const maxAliases = 10_000

// aliases remembers the integers that accounts had in the seed system, which
// its clients send with every event. Once given they never change.
type aliases struct {
	mu  sync.RWMutex
	own map[string]string // by account id
}

func (c *aliases) get(accountID string) (string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	alias, ok := c.own[accountID]
	return alias, ok
}

func (c *aliases) put(accountID, alias string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil || len(c.own) >= maxAliases {
		c.own = map[string]string{}
	}
	c.own[accountID] = alias
}

// isAccount reports whether a reference, an id or a seed's integer, means that
// account.
func (a *api) isAccount(ctx context.Context, accountID, ref string) (bool, error) {
	if ref == accountID || !isDigits(ref) {
		return ref == accountID, nil
	}
	if alias, ok := a.aliases.get(accountID); ok {
		return alias == ref, nil
	}
	// The token may lack the scope to read; its account is known already.
	acc, err := a.Pusher.AccountByRef(auth.AsSystem(ctx), accountID)
	switch {
	case problem.CodeOf(err) == problem.NotFound:
		return false, nil // deleted a moment ago
	case err != nil:
		return false, err
	case acc.SeedID == nil:
		return false, nil // an import may still give it one
	}
	alias := strconv.FormatInt(*acc.SeedID, 10)
	a.aliases.put(accountID, alias)
	return alias == ref, nil
}
