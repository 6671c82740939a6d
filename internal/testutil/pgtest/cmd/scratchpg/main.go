// Command scratchpg runs a command with a scratch Postgres cluster:
//
//	go run ./internal/testutil/pgtest/cmd/scratchpg -- go test ./...
//
// It starts the cluster, prints its URL and version on one line, runs the
// command with DATAPUSHER_TEST_POSTGRES set to that URL, removes the cluster and
// exits as the command did. A cluster that this variable names already is used
// as it is. With DATAPUSHER_TEST_KEEP set and a command that failed, the cluster
// stays, and the command to remove it is printed.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"datapusher/internal/testutil/pgtest/cluster"
)

func main() {
	// From here on, so that no signal can end this process before its cluster.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: scratchpg -- command [argument ...]")
		os.Exit(2)
	}
	code, err := run(args, signals)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scratchpg:", err)
	}
	os.Exit(code)
}

// run gives the exit code of the command; 125 when it could not be run.
func run(args []string, signals <-chan os.Signal) (code int, err error) {
	if os.Getenv(cluster.EnvShared) != "" {
		return command(args, signals)
	}
	c, err := cluster.Start(nil)
	if err != nil {
		return 125, err
	}
	defer func() {
		if code != 0 && os.Getenv(cluster.EnvKeep) != "" {
			remove, keepErr := c.Keep()
			err = errors.Join(err, keepErr)
			fmt.Fprintf(os.Stderr, "the cluster stays at %s; remove it with: %s\n", c.URL, remove)
		}
		err = errors.Join(err, c.Close())
	}()
	if err := os.Setenv(cluster.EnvShared, c.URL); err != nil {
		return 125, err
	}
	fmt.Printf("%s Postgres %s\n", c.URL, c.Version)
	return command(args, signals)
}

// command runs a command with this process's input, output and environment, and
// hands signals on to it.
func command(args []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 125, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended this instant
		case err := <-ended:
			return exitCode(err)
		}
	}
}

// exitCode is the code that a shell would give.
func exitCode(err error) (int, error) {
	if err == nil {
		return 0, nil
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return 125, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
