package e2e_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
)

// former is the program of a version before, which `make former` builds from the
// history. Without it both sides are of this version, and what is tested is the
// upgrade's way without its change.
func former(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("DATAPUSHER_FORMER"); path != "" {
		return path
	}
	return production(t)
}

// TestTwoVersionsSideBySide is an upgrade under load, and the way back: the version
// before goes on while the database is migrated, both serve and work on the newer
// schema, and each carries on what the other has begun.
func TestTwoVersionsSideBySide(t *testing.T) {
	t.Parallel()
	for engine, install := range map[string]func(*testing.T) installation{
		"temporal": newInstallation,
		"river":    func(t *testing.T) installation { return newRiverInstallation(t, pgtest.URL(t)) },
	} {
		for shape, upgrade := range map[string]func(*testing.T, *upgraded){"together": together, "apart": apart} {
			t.Run(engine+", serve and worker "+shape, func(t *testing.T) {
				t.Parallel()
				i := install(t)
				// A request may have been given to a server just before it is left.
				i.env = append(i.env, "DATAPUSHER_LOG_LEVEL=info", "DATAPUSHER_DRAIN_DELAY=1s")
				u := &upgraded{before: i, now: i}
				u.before.program, u.now.program = former(t), production(t)
				t.Logf("before: %s now: %s", u.before.command(t, "version"), u.now.command(t, "version"))
				u.before.command(t, "migrate", "up")
				upgrade(t, u)
			})
		}
	}
}

// upgraded is an installation in the hands of two versions.
type upgraded struct {
	before, now installation
	load        *balancer
	stopLoad    func()
	to, waiting *counter
	destination string // waiting's
}

// begin has senders send to the first server.
func (u *upgraded) begin(t *testing.T, admin api) (leave func()) {
	account, token := admin.createAccount(t, "versions@example.com")
	u.to, u.waiting = newCounter(t), newCounter(t)
	admin.createDestination(t, account, u.to.url, "POST")
	u.waiting.dead.Store(true)
	u.destination, _ = admin.createDestination(t, account, u.waiting.url, "POST")
	u.load = newBalancer(token)
	leave = u.load.follow(t, admin.url)
	u.stopLoad = u.load.load(t, 50)
	u.load.more(t, 50)
	t.Log(u.now.command(t, "migrate", "up"))
	u.load.more(t, 50)
	return leave
}

// end checks that each event has come once. What failed meanwhile, parked by one version
// and by the other, drains.
func (u *upgraded) end(t *testing.T, admin api) {
	u.load.more(t, 50)
	u.stopLoad()
	u.load.check(t, u.to)
	u.waiting.dead.Store(false)
	admin.mutate(t, "resumeDestination", "ResumeDestinationInput", "destination { id }", map[string]any{"destinationID": u.destination}, nil)
	eventually(t, func() bool { return u.waiting.received() >= u.load.count() }, "what had to wait arrives")
	u.load.check(t, u.waiting)
}

func stopped(t *testing.T, p *process) {
	t.Helper()
	p.stop()
	require.Zero(t, p.cmd.ProcessState.ExitCode())
}

func together(t *testing.T, u *upgraded) {
	p, admin := u.before.serve(t, "--worker")
	leave := u.begin(t, admin)
	q, next := u.now.serve(t, "--worker")
	leaveNext := u.load.follow(t, next.url)
	u.load.more(t, 100)
	leave()
	stopped(t, p)
	u.load.more(t, 50)

	_, back := u.before.serve(t, "--worker")
	u.load.follow(t, back.url)
	u.load.more(t, 50)
	leaveNext()
	stopped(t, q)
	u.end(t, back)
}

// apart replaces the workers first, and on the way back the servers.
func apart(t *testing.T, u *upgraded) {
	work := func(i installation) *process {
		p := start(t, i.binary(t), i.env, "worker")
		p.waitFor(t, `"msg":"working"`)
		return p
	}
	p, admin := u.before.serve(t)
	worker := work(u.before)
	leave := u.begin(t, admin)
	next := work(u.now)
	u.load.more(t, 50)
	stopped(t, worker)
	u.load.more(t, 50)
	q, newer := u.now.serve(t)
	leaveNext := u.load.follow(t, newer.url)
	u.load.more(t, 100)
	leave()
	stopped(t, p)
	u.load.more(t, 50)

	_, back := u.before.serve(t)
	u.load.follow(t, back.url)
	u.load.more(t, 50)
	leaveNext()
	stopped(t, q)
	u.load.more(t, 50)
	work(u.before)
	u.load.more(t, 50)
	stopped(t, next)
	u.end(t, back)
}
