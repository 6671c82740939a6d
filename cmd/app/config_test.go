package app

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// defaults are what is set when only what is required is.
func defaults(t *testing.T) Config {
	t.Helper()
	var c Config
	parser, err := kong.New(&c, kong.Vars{"allow_cidrs": "none", "log_format": "json", "drain_delay": "5s"})
	require.NoError(t, err)
	_, err = parser.Parse([]string{"--database-url=sqlite:x", "--encryption-keys=k", "--admin-token=" + strings.Repeat("a", minAdminToken)})
	require.NoError(t, err)
	return c
}

func TestRiverHasItsPlace(t *testing.T) {
	t.Parallel()
	c := defaults(t)
	require.Equal(t, "temporal", c.Engine)
	c.Engine = engineRiver
	require.ErrorContains(t, c.validate(true), "needs Postgres")
	c.DatabaseURL = "postgres://127.0.0.1/x"
	require.NoError(t, c.validate(true))
	c.FirstAttempt = "activity"
	require.ErrorContains(t, c.validate(true), "is Temporal's")
	for url, is := range map[string]bool{"postgres://x": true, "postgresql://x": true, "sqlite:x": false, "": false} {
		require.Equal(t, is, (EngineChoice{engineRiver}).check(url) == nil, url)
		require.NoError(t, (EngineChoice{"temporal"}).check(url))
	}
}

func TestBoundsOfTheDoors(t *testing.T) {
	t.Parallel()
	c := defaults(t)
	require.NoError(t, c.validate(true))
	require.Equal(t, "none", c.TrustedProxies)
	require.Equal(t, 10_000, c.MaxConnections)
	require.Zero(t, c.AccountRate)
	require.Zero(t, c.AccountBurst)
	require.Equal(t, 24*time.Hour, c.IdempotencyTTL)
	for name, tt := range map[string]struct {
		set func(*Config)
		bad bool
	}{
		"a short life of keys":      {func(c *Config) { c.IdempotencyTTL = time.Minute - 1 }, true},
		"a long life of keys":       {func(c *Config) { c.IdempotencyTTL = 30*24*time.Hour + 1 }, true},
		"a month":                   {func(c *Config) { c.IdempotencyTTL = 30 * 24 * time.Hour }, false},
		"few connections":           {func(c *Config) { c.MaxConnections = 15 }, true},
		"no bound of connections":   {func(c *Config) { c.MaxConnections = 0 }, true},
		"a negative rate":           {func(c *Config) { c.AccountRate = -1 }, true},
		"a rate that is none":       {func(c *Config) { c.AccountRate = math.NaN() }, true},
		"an endless rate":           {func(c *Config) { c.AccountRate = math.Inf(1) }, true},
		"a rate below one an hour":  {func(c *Config) { c.AccountRate = 0.0001 }, true},
		"a rate of one in a minute": {func(c *Config) { c.AccountRate = 1. / 60 }, false},
		"a negative burst":          {func(c *Config) { c.AccountBurst = -1 }, true},
		"a burst of one":            {func(c *Config) { c.AccountRate, c.AccountBurst = 1, 1 }, false},
	} {
		c := defaults(t)
		tt.set(&c)
		require.Equal(t, tt.bad, c.validate(true) != nil, name)
	}
}
