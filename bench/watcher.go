package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"

	"datapusher/bench/watch"
)

// watcher is a running "bench watch".
type watcher struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Reader
}

// accountShare is how many connections an account may have, and the operator.
const accountShare = 100

// watch begins the workload's subscriptions, to events and to deliveries in turn.
// Accounts look at what is their own; where that is too many for them, the
// operator looks at the first one.
func (s *scene) watch() (w *watcher, err error) {
	o := watch.Options{URL: strings.Replace(s.door, "http://", "ws://", 1) + "/graphql"}
	for i := range s.Watchers {
		one := watch.Subscription{Field: "eventReceived"}
		if i%2 == 1 {
			one.Field = "deliveryUpdated"
		}
		from := s.senders[i%len(s.senders)]
		one.Account, one.Token = from.account, from.token
		if i >= accountShare*len(s.senders) {
			one.Account, one.Token = s.senders[0].account, s.stack.AdminToken
		}
		o.Subscriptions = append(o.Subscriptions, one)
	}
	cmd := exec.Command(os.Args[0], "watch") //nolint:noctx // it ends with its standard input
	cmd.Stderr = os.Stderr
	w = &watcher{cmd: cmd}
	if w.input, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.lines = bufio.NewReader(output)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.stack.Add("subscribers", cmd)
	err = json.NewEncoder(w.input).Encode(o)
	if err == nil {
		_, err = w.line()
	}
	if err != nil {
		w.close()
		return nil, errors.Join(errors.New("nobody can subscribe"), err)
	}
	return w, nil
}

func (w *watcher) line() (l watch.Line, err error) {
	text, err := w.lines.ReadBytes('\n')
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(text, &l)
}

// reset has it count from now on.
func (w *watcher) reset() error {
	if w == nil {
		return nil
	}
	_, err := io.WriteString(w.input, "\n")
	return err
}

// heard ends the subscriptions and tells what they heard; nothing where there are none.
func (w *watcher) heard() (map[string]*watch.Heard, error) {
	if w == nil {
		return nil, nil
	}
	if err := w.input.Close(); err != nil {
		return nil, err
	}
	l, err := w.line()
	return l.Heard, err
}

func (w *watcher) close() {
	_ = w.input.Close()
	_ = w.cmd.Wait()
}
