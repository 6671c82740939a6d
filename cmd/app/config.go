// Package app is the program behind both binaries: it puts the rooms together,
// starts them in order and stops them in the opposite one.
package app

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"datapusher/internal/database"
	"datapusher/internal/httpapi"
)

// Config is everything that can be set. The same names hold for each command:
// a flag, or the environment variable beside it.
type Config struct {
	Listen        string   `env:"DATAPUSHER_LISTEN" default:"127.0.0.1:8000" help:"Address of the API; port 0 means a free one."`
	MetricsListen string   `env:"DATAPUSHER_METRICS_LISTEN" help:"Address of a second listener that serves /metrics without a credential."`
	ProfileListen string   `env:"DATAPUSHER_PROFILE_LISTEN" help:"Address of a listener for net/http/pprof; it asks for no credential, so keep it to yourself: 127.0.0.1:6060."`
	PublicURL     string   `env:"DATAPUSHER_PUBLIC_URL" help:"URL under which the API is reached from outside, as browsers name it: https://push.example.com."`
	CORSOrigins   []string `name:"cors-origins" env:"DATAPUSHER_CORS_ORIGINS" help:"Origins of front-end apps that may call the API, exact, for WebSockets too: https://app.example.com."`
	Introspection string   `env:"DATAPUSHER_INTROSPECTION" enum:"signed-in,off" default:"signed-in" help:"Who may ask GraphQL for its schema: those with a credential, or nobody (${enum}). off also keeps errors from suggesting names, and /schema.graphql asks for a credential."`

	TrustedProxies string        `name:"trusted-proxies" env:"DATAPUSHER_TRUSTED_PROXIES" default:"none" help:"Networks of the proxies whose X-Forwarded-For is believed: 10.1.0.0/16,fd00::/8, or none."`
	MaxConnections int           `name:"max-connections" env:"DATAPUSHER_MAX_CONNECTIONS" default:"10000" help:"Connections to the API at a time; beyond it those that do nothing are closed."`
	AccountRate    float64       `name:"account-rate" env:"DATAPUSHER_ACCOUNT_RATE" default:"0" help:"Events a second that an account may send to this process; 0 limits nobody."`
	AccountBurst   int           `name:"account-burst" env:"DATAPUSHER_ACCOUNT_BURST" default:"0" help:"Events that an account may send at once; 0 means those of a second, and 1000 at least."`
	IdempotencyTTL time.Duration `name:"idempotency-ttl" env:"DATAPUSHER_IDEMPOTENCY_TTL" default:"24h" help:"How long an idempotency key is remembered."`

	DatabaseURL    string `name:"database-url" env:"DATAPUSHER_DATABASE_URL" help:"postgres://user:password@host:5432/name?sslmode=verify-full, or sqlite:<file>."`
	AllowUnsafe    bool   `name:"allow-unsafe-database" env:"DATAPUSHER_ALLOW_UNSAFE_DATABASE" help:"Start on a Postgres that does not keep what it has committed: fsync, full_page_writes or synchronous_commit is off. For tests, and for storage that is durable without them."`
	Migrate        bool   `env:"DATAPUSHER_MIGRATE" help:"Apply pending migrations at the start."`
	AdminToken     string `env:"DATAPUSHER_ADMIN_TOKEN" help:"Credential of the operator; at least 32 characters."`
	EncryptionKeys string `env:"DATAPUSHER_ENCRYPTION_KEYS" help:"Keys that seal secrets in the database, as datapusher keys generate prints them."`

	Engine        string        `env:"DATAPUSHER_ENGINE" enum:"temporal,river" default:"temporal" help:"What makes deliveries happen durably: a Temporal service, or River within the Postgres of --database-url (${enum})."`
	FirstAttempt  string        `env:"DATAPUSHER_FIRST_ATTEMPT" enum:"commit,engine,activity" default:"commit" help:"Who begins first attempts: the process as soon as the event is committed, or the engine (${enum}). activity gives each event a workflow and an activity of its own, to compare."`
	Pace          time.Duration `env:"DATAPUSHER_PACE" help:"Shortest time between two workflows; 0 means 100ms, or 20ms where the engine begins first attempts."`
	TemporalUIURL string        `name:"temporal-ui-url" env:"DATAPUSHER_TEMPORAL_UI_URL" help:"URL of the Temporal UI, for the links of deliveries."`
	RiverUIURL    string        `name:"river-ui-url" env:"DATAPUSHER_RIVER_UI_URL" help:"URL of River UI, for the links of deliveries when the engine is river."`

	DisableAfter time.Duration `env:"DATAPUSHER_DISABLE_AFTER" default:"120h" help:"How long a destination may do nothing but fail before it is disabled; its deliveries stay parked."`

	AllowCIDRs string `name:"allow-cidrs" env:"DATAPUSHER_ALLOW_CIDRS" default:"${allow_cidrs}" help:"Addresses that destinations may have although they are not public: 10.1.0.0/16,fd00::/8, or none."`

	NAT64Prefixes string `name:"nat64-prefixes" env:"DATAPUSHER_NAT64_PREFIXES" default:"none" help:"Prefixes of NAT64 translators: an address in one of them passes if the IPv4 address inside does. 64:ff9b::/96, or none."`

	LogLevel        slog.Level    `env:"DATAPUSHER_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat       string        `env:"DATAPUSHER_LOG_FORMAT" enum:"json,text" default:"${log_format}" help:"${enum}."`
	DrainDelay      time.Duration `env:"DATAPUSHER_DRAIN_DELAY" default:"${drain_delay}" help:"How long the API goes on serving after it was asked to end, with /readyz failing, so that a load balancer stops sending requests first."`
	ShutdownTimeout time.Duration `env:"DATAPUSHER_SHUTDOWN_TIMEOUT" default:"35s" help:"How long requests and attempts that are going on may take to end, after the drain delay; then the process ends without them."`
}

// introspectionOff is the Introspection that answers nobody.
const introspectionOff = "off"

// minAdminToken is the shortest admin token that is accepted.
const minAdminToken = 32

const (
	// minDisableAfter keeps a receiver's restart from disabling it.
	minDisableAfter = time.Minute
	// maxDisableAfter is 90 days: the numbers of attempts suffice for as many probes.
	maxDisableAfter = 90 * 24 * time.Hour
)

const (
	// An idempotency key that is gone before its sender has tried again is of no
	// use, and after a month nobody tries.
	minIdempotencyTTL = time.Minute
	maxIdempotencyTTL = 30 * 24 * time.Hour
	// minConnections are enough for probes and a proxy.
	minConnections = 16
	minAccountRate = 0.01
)

// validate checks what a server needs and says how to set it.
func (c Config) validate(serves bool) error {
	switch {
	case c.DatabaseURL == "":
		return errors.New("set --database-url or DATAPUSHER_DATABASE_URL: postgres://user:password@host:5432/name?sslmode=verify-full")
	case c.Engine == engineRiver && !database.IsPostgres(c.DatabaseURL):
		return errRiverNeedsPostgres
	case c.Engine == engineRiver && c.FirstAttempt == "activity":
		return errors.New("--first-attempt=activity is Temporal's: with --engine=river take commit or engine")
	case c.EncryptionKeys == "":
		return errors.New("set --encryption-keys or DATAPUSHER_ENCRYPTION_KEYS: `datapusher keys generate` prints new ones")
	case c.DisableAfter < minDisableAfter || c.DisableAfter > maxDisableAfter:
		return errors.New("--disable-after must be between 1m and 2160h")
	case c.PublicURL != "" && httpapi.CheckOrigin(c.PublicURL) != nil:
		return errors.New("--public-url must be scheme, host and port alone: https://push.example.com")
	case c.IdempotencyTTL < minIdempotencyTTL || c.IdempotencyTTL > maxIdempotencyTTL:
		return errors.New("--idempotency-ttl must be between 1m and 720h")
	case c.MaxConnections < minConnections:
		return fmt.Errorf("--max-connections must be at least %d", minConnections)
	case c.AccountRate != 0 && (c.AccountRate < minAccountRate || math.IsInf(c.AccountRate, 0)) || math.IsNaN(c.AccountRate):
		return errors.New("--account-rate must be 0, or at least 0.01 events a second")
	case c.AccountBurst < 0:
		return errors.New("--account-burst must not be negative")
	case c.DrainDelay < 0 || c.ShutdownTimeout < 0:
		return errors.New("--drain-delay and --shutdown-timeout must not be negative")
	case serves && len(c.AdminToken) < minAdminToken:
		return fmt.Errorf("set --admin-token or DATAPUSHER_ADMIN_TOKEN to at least %d characters: `openssl rand -hex 32` makes one", minAdminToken)
	}
	for _, origin := range c.CORSOrigins {
		if err := httpapi.CheckOrigin(origin); err != nil {
			return fmt.Errorf("--cors-origins: %w", err)
		}
	}
	return nil
}

// paces are the times between dispatches: where first attempts begin before, and where
// they wait for the engine.
func (c Config) paces() (ahead, waiting time.Duration) {
	switch {
	case c.Pace > 0:
		return c.Pace, c.Pace
	case c.FirstAttempt == "activity":
		return time.Nanosecond, time.Nanosecond
	}
	return 100 * time.Millisecond, 20 * time.Millisecond
}
