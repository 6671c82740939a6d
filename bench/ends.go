package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"

	"datapusher/bench/load"
	"datapusher/bench/load/ledger"
	"datapusher/bench/sink"
)

// receiver is a running "bench sink".
type receiver struct {
	sink.Addresses
	cmd   *exec.Cmd
	input io.Closer
}

func startReceiver() (*receiver, error) {
	cmd := exec.Command(os.Args[0], "sink") //nolint:noctx // it ends with its standard input
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &receiver{cmd: cmd, input: input}
	if err := json.NewDecoder(output).Decode(&r.Addresses); err != nil {
		r.close()
		return nil, fmt.Errorf("the receiver does not start: %w", err)
	}
	return r, nil
}

func (r *receiver) close() {
	_ = r.input.Close()
	_ = r.cmd.Wait()
}

// ask asks the receiver's control; body may be nil.
func (r *receiver) ask(ctx context.Context, method, path string, body, answer any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return err
		}
	}
	q, err := http.NewRequestWithContext(ctx, method, r.Control+"/control/"+path, &content)
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(got.Body)
		return fmt.Errorf("the receiver: %s %s: %s", method, path, text)
	}
	return json.NewDecoder(got.Body).Decode(answer)
}

func (r *receiver) stats(ctx context.Context) (s sink.Stats, err error) {
	return s, r.ask(ctx, http.MethodGet, "stats", nil, &s)
}

func (r *receiver) latency(ctx context.Context) (l map[string]ledger.Summary, err error) {
	return l, r.ask(ctx, http.MethodGet, "latency", nil, &l)
}

func (r *receiver) resetLatency(ctx context.Context) error {
	return r.ask(ctx, http.MethodPost, "reset-latency", nil, &struct{}{})
}

func (r *receiver) check(ctx context.Context, x sink.Expectation) (v sink.Verdict, err error) {
	return v, r.ask(ctx, http.MethodPost, "check", x, &v)
}

// generator is a running "bench load".
type generator struct {
	cmd   *exec.Cmd
	lines *bufio.Reader
}

func startGenerator(ctx context.Context, args []string) (*generator, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"load"}, args...)...)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &generator{cmd: cmd, lines: bufio.NewReaderSize(output, 1<<20)}, cmd.Start()
}

// line reads the next thing that the generator says.
func (g *generator) line() (l load.Line, err error) {
	text, err := g.lines.ReadBytes('\n')
	if err != nil {
		return l, errors.Join(errors.New("the generator has ended"), g.cmd.Wait())
	}
	return l, json.Unmarshal(text, &l)
}

// result waits for the end.
func (g *generator) result() (*load.Result, error) {
	for {
		l, err := g.line()
		if err != nil {
			return nil, err
		}
		if l.Result != nil {
			return l.Result, g.cmd.Wait()
		}
	}
}
