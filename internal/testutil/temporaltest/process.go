package temporaltest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// keeper runs the server and removes its folder when it has ended, which it does
// at the end of its standard input: the other end of that is with the test
// process alone. Of a server that failed it shows the end of its log.
const keeper = `dir=$1; shift
"$@" 2>"$dir/log" || tail -c 4000 "$dir/log"
cd / && rm -rf "$dir"`

// process is a running server.
type process struct {
	announcement
	// input is never closed, and never let go of either: a file that nothing refers
	// to is closed by the garbage collector, and the server would stop.
	input io.Closer
}

// announcement is what the server says when it is ready.
type announcement struct {
	Address string `json:"address"`
	UI      string `json:"ui"`
	Version string `json:"version"`
	Store   string `json:"store"`
}

// launch starts the server on a database (of Postgres) or a file of its own (of
// SQLite), and waits until it is ready. Should it fail later on, its last words
// go to log.
func launch(program string, store Store, dsn string, log io.Writer) (*process, error) {
	dir, err := os.MkdirTemp("", "datapusher-temporal-")
	if err != nil {
		return nil, fmt.Errorf("make the Temporal server's folder: %w", err)
	}
	if store == SQLite {
		dsn = filepath.Join(dir, "temporal.db")
	}
	cmd := exec.Command("sh", "-c", keeper, "keeper", dir, program,
		"-store", string(store), "-dsn", dsn, "-listen", "127.0.0.1:0", "-ui-listen", "127.0.0.1:0")
	// A session of its own: Ctrl-C in the terminal must reach the tests, not the
	// process that cleans up after them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start the Temporal server: %w", err)
	}
	p := &process{input: input}
	lines := bufio.NewReader(output)
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.announcement)
	}
	if err != nil {
		rest, _ := io.ReadAll(lines) // until it ends, which it is about to
		_ = cmd.Wait()
		return nil, fmt.Errorf("the Temporal server does not start:\n%s%s", line, rest)
	}
	go func() { _, _ = io.Copy(log, lines) }()
	return p, nil
}
