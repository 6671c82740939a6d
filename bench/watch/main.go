// Package watch is the third end of a benchmark: clients that look on. Each has a
// WebSocket of its own and one subscription of GraphQL, after the protocol
// graphql-transport-ws, and tells how long after its time in the database it hears
// of something.
package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Main opens the subscriptions that the first line of its input names, as
// [Options] in JSON, and says [Line] when all have begun. It forgets what it has
// counted with each further line. When its input ends it says what it has heard
// since.
func Main() error { return run(context.Background(), os.Stdin, os.Stdout) }

// Line is one that Main prints.
type Line struct {
	Watching int               `json:"watching,omitempty"`
	Heard    map[string]*Heard `json:"heard,omitempty"` // by the subscription's field
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	lines, say := bufio.NewReader(in), json.NewEncoder(out)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o Options
	if err := json.Unmarshal(first, &o); err != nil {
		return fmt.Errorf("the first line: %w", err)
	}
	w, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := say.Encode(Line{Watching: len(o.Subscriptions)}); err != nil {
		return err
	}
	for {
		if _, err := lines.ReadBytes('\n'); err == io.EOF {
			return say.Encode(Line{Heard: w.Heard()})
		} else if err != nil {
			return err
		}
		w.Reset()
	}
}
