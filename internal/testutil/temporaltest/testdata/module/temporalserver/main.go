// Command temporalserver stands in for the real one, whose contract it keeps:
// flags, one line of JSON when it is ready, the end of stdin as the end. To
// whoever connects to its address it tells its -dsn. A -dsn of "refuse" fails at
// the start, one of "crash" at the first connection.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"standin/embedded"
)

func main() {
	store := flag.String("store", "", "")
	dsn := flag.String("dsn", "", "")
	listen := flag.String("listen", "", "")
	ui := flag.String("ui-listen", "", "")
	flag.Parse()
	if *dsn == "refuse" {
		fail("the store cannot be opened")
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{
		"address": l.Addr().String(), "ui": "http://" + *ui, "version": embedded.Version, "store": *store,
	}); err != nil {
		fail(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil || *dsn == "crash" {
				fail("the shard is lost")
			}
			fmt.Fprintln(c, *dsn) // and stays open until the end
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
