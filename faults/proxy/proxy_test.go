package proxy_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"datapusher/faults/proxy"
	"datapusher/internal/testutil/pgtest"
)

// echo is a server that answers each line with itself, and notes them.
func echo(t *testing.T) (address string, got <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	lines := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for s := bufio.NewScanner(c); s.Scan(); {
					lines <- s.Text()
					_, _ = fmt.Fprintln(c, s.Text())
				}
			}()
		}
	}()
	return l.Addr().String(), lines
}

func start(t *testing.T, upstream string) *proxy.Proxy {
	t.Helper()
	p, err := proxy.New(t.Name(), upstream)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// client is a connection through a proxy.
type client struct {
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, p *proxy.Proxy) *client {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return &client{c, bufio.NewReader(c)}
}

func (c *client) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	return c.lines.ReadString('\n')
}

func TestWithoutFaultsAllOfItPasses(t *testing.T) {
	t.Parallel()
	upstream, _ := echo(t)
	answer, err := dial(t, start(t, upstream)).ask("hello")
	require.NoError(t, err)
	require.Equal(t, "hello\n", answer)
}

func TestAnAnswerIsCutAfterItWasExecuted(t *testing.T) {
	t.Parallel()
	upstream, got := echo(t)
	p := start(t, upstream)
	c := dial(t, p)
	require.NoError(t, p.CutAnswers(100))
	_, err := c.ask("hello")
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, "hello", <-got, "the server has it")
	require.EqualValues(t, 1, p.Cuts())
	require.NoError(t, p.Mend())
	answer, err := dial(t, p).ask("again")
	require.NoError(t, err)
	require.Equal(t, "again\n", answer)
}

func TestWhatIsHeldArrivesLate(t *testing.T) {
	t.Parallel()
	upstream, got := echo(t)
	p := start(t, upstream)
	c := dial(t, p)
	_, err := c.ask("before")
	require.NoError(t, err)
	<-got
	require.NoError(t, p.Hold(proxy.ToServer))
	_, err = fmt.Fprintln(c, "held")
	require.NoError(t, err)
	select {
	case line := <-got:
		t.Fatalf("%q has arrived", line)
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, p.Mend())
	require.Equal(t, "held", <-got)
	answer, err := c.lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", answer)
}

func TestOneWayIsLost(t *testing.T) {
	t.Parallel()
	upstream, got := echo(t)
	p := start(t, upstream)
	c := dial(t, p)
	require.NoError(t, p.Lose(proxy.FromServer))
	_, err := fmt.Fprintln(c, "hello")
	require.NoError(t, err)
	require.Equal(t, "hello", <-got)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = c.lines.ReadString('\n')
	require.ErrorContains(t, err, "timeout")
}

func TestCutAndDown(t *testing.T) {
	t.Parallel()
	upstream, _ := echo(t)
	p := start(t, upstream)
	c, at := dial(t, p), p.Address()
	_, err := c.ask("hello")
	require.NoError(t, err)
	require.NoError(t, p.Cut())
	_, err = c.ask("hello")
	require.Error(t, err)
	require.Equal(t, at, p.Address())
	_, err = dial(t, p).ask("hello")
	require.NoError(t, err)
	p.Down()
	_, err = net.Dial("tcp", at)
	require.Error(t, err)
	require.NoError(t, p.Up())
	_, err = dial(t, p).ask("hello")
	require.NoError(t, err)
}

func TestSlow(t *testing.T) {
	t.Parallel()
	upstream, _ := echo(t)
	p := start(t, upstream)
	require.NoError(t, p.Slow(20*time.Millisecond, 0))
	began := time.Now()
	_, err := dial(t, p).ask("hello")
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 40*time.Millisecond)
}

// Of a COMMIT that was cut nobody knows whether it was made: some were, some not.
func TestACommitIsCut(t *testing.T) {
	t.Parallel()
	at := pgtest.URL(t)
	u, err := url.Parse(at)
	require.NoError(t, err)
	p := start(t, u.Host)
	u.Host = p.Address()
	direct, err := sql.Open("postgres", at)
	require.NoError(t, err)
	defer direct.Close()
	_, err = direct.Exec("CREATE TABLE things (n int)")
	require.NoError(t, err)
	cut, err := sql.Open("postgres", u.String())
	require.NoError(t, err)
	defer cut.Close()
	cut.SetMaxIdleConns(-1) // where the answer is faster than the cut, the connection is dead for whoever comes next
	require.NoError(t, p.CutCommits(100))
	const tries = 40
	unsure := 0
	for i := range tries {
		tx, err := cut.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO things VALUES ($1)", i)
		require.NoError(t, err)
		if tx.Commit() != nil { // now and then the answer is faster than the cut
			unsure++
		}
	}
	require.Greater(t, unsure, tries/4)
	require.EqualValues(t, tries, p.Cuts())
	require.Eventually(t, func() bool { // the server may be a little behind
		var made int
		require.NoError(t, direct.QueryRow("SELECT count(*) FROM things").Scan(&made))
		return made > 0 && made < tries
	}, time.Minute, 10*time.Millisecond)
}
