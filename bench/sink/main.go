package sink

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Addresses is the line that Main prints when it receives.
type Addresses struct {
	URL     string `json:"url"`     // without a path
	Control string `json:"control"` // the same for Control
}

// Main runs a receiver until standard input ends.
func Main(args []string) error { return run(args, os.Stdin, os.Stdout, os.Stderr) }

func run(args []string, in io.Reader, out, usage io.Writer) error {
	flags := flag.NewFlagSet("sink", flag.ContinueOnError)
	flags.SetOutput(usage)
	address := flags.String("listen", "127.0.0.1:0", "address to receive at; port 0 is any that is free")
	control := flags.String("control", "127.0.0.1:0", "address for questions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", *address)
	if err != nil {
		return err
	}
	s := Start(l)
	c, err := lc.Listen(context.Background(), "tcp", *control)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	server := &http.Server{Handler: s.Control(), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(c) }()
	err = json.NewEncoder(out).Encode(Addresses{URL: "http://" + l.Addr().String(), Control: "http://" + c.Addr().String()})
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	err = errors.Join(err, server.Close(), s.Close())
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
