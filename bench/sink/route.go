package sink

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"datapusher/bench/wire"
)

// route is what a path asks for.
type route struct {
	destination uint32
	class       int
	delay       time.Duration
	answer      *wire.Answer // nil: none
}

var (
	okay = wire.NewAnswer(http.StatusOK, []byte("{}\n"), "Content-Type: application/json")
	dead = wire.NewAnswer(http.StatusServiceUnavailable, nil)
)

// classes numbers the kinds of destinations, in the order in which they are met.
type classes struct {
	mu    sync.Mutex
	names []string
}

// maxClasses bounds what a mistaken path can make the memory hold.
const maxClasses = 32

func (c *classes) number(name string) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.names, name); i >= 0 {
		return i, true
	}
	if len(c.names) == maxClasses {
		return 0, false
	}
	c.names = append(c.names, name)
	return len(c.names) - 1, true
}

func (c *classes) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.names)
}

// route reads a path; false where there is nothing.
func (c *classes) route(target string) (route, bool) {
	path, _, _ := strings.Cut(target, "?")
	kind, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	var to route
	switch kind {
	case "ok":
		to.answer = okay
	case "dead":
		to.answer = dead
	case "hang":
	case "slow":
		var duration string
		duration, rest, _ = strings.Cut(rest, "/")
		d, err := time.ParseDuration(duration)
		if err != nil || d < 0 {
			return route{}, false
		}
		to.delay, to.answer = d, okay
	default:
		return route{}, false
	}
	index, label, labelled := strings.Cut(rest, "/")
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil {
		return route{}, false
	}
	to.destination = uint32(n)
	if labelled {
		kind += "/" + label
	}
	class, ok := c.number(kind)
	to.class = class
	return to, ok
}
