package e2e_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
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
	i := newInstallation(t)
	i.env = append(i.env, "DATAPUSHER_LOG_LEVEL=info")
	before, now := i, i
	before.program, now.program = former(t), production(t)
	t.Logf("before: %s now: %s", before.command(t, "version"), now.command(t, "version"))

	before.command(t, "migrate", "up")
	p, admin := before.serve(t, "--worker")
	account, token := admin.createAccount(t, "versions@example.com")
	to := newCounter(t)
	admin.createDestination(t, account, to.url, "POST")
	waiting := newCounter(t)
	waiting.dead.Store(true)
	id, _ := admin.createDestination(t, account, waiting.url, "POST")
	b := newBalancer(token)
	leave := b.follow(t, admin.url)
	stop := b.load(t, 50)
	b.more(t, 50)

	t.Log(now.command(t, "migrate", "up"))
	b.more(t, 50)
	q, next := now.serve(t, "--worker")
	leaveNext := b.follow(t, next.url)
	b.more(t, 100)
	leave() // an older version has no drain delay
	p.stop()
	require.Zero(t, p.cmd.ProcessState.ExitCode())
	b.more(t, 50)

	_, back := before.serve(t, "--worker")
	b.follow(t, back.url)
	b.more(t, 50)
	leaveNext()
	q.stop()
	require.Zero(t, q.cmd.ProcessState.ExitCode())
	b.more(t, 50)
	stop()
	b.check(t, to)

	// What failed meanwhile, parked by one version and by the other, drains.
	waiting.dead.Store(false)
	back.mutate(t, "resumeDestination", "ResumeDestinationInput", "destination { id }", map[string]any{"destinationID": id}, nil)
	eventually(t, func() bool { return waiting.received() >= b.count() }, "what had to wait arrives")
	b.check(t, waiting)
}
