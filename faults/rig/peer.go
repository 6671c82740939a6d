package rig

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// peer is a connection, and which child of this process has opened it.
type peer struct {
	number uint64
	ends   string // the other end's address and ours, as the kernel's table has them
	pid    int    // 0: none of this process's, or it is gone
}

type peerKey struct{}

// peers finds out who has opened connections: for all that have come meanwhile
// with one look, since a look at the kernel's tables takes long. Nobody waits for it:
// requests have the number of their connection, and who that was is asked in the end.
type peers struct {
	asked chan *peer
	last  atomic.Uint64

	mu    sync.Mutex
	found map[uint64]int // process ids by number
}

// newPeers looks until ctx ends.
func newPeers(ctx context.Context) *peers {
	p := &peers{asked: make(chan *peer, 4096), found: map[uint64]int{}}
	go p.run(ctx)
	return p
}

// with gives a connection's context its number, for all requests on it.
func (p *peers) with(ctx context.Context, c net.Conn) context.Context {
	one := &peer{number: p.last.Add(1)}
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	if local, isTCP := c.LocalAddr().(*net.TCPAddr); ok && isTCP {
		// A port alone may be that of several connections, to others.
		one.ends = tableAddress(remote) + " " + tableAddress(local)
		select {
		case p.asked <- one:
		default: // too many at once
		}
	}
	return context.WithValue(ctx, peerKey{}, one.number)
}

// connectionOf is the number of a request's connection; 0 where it has none.
func connectionOf(ctx context.Context) uint64 {
	number, _ := ctx.Value(peerKey{}).(uint64)
	return number
}

// of is the id of the process that has opened a connection; 0 where that is not known.
func (p *peers) of(connection uint64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found[connection]
}

func (p *peers) run(ctx context.Context) {
	for {
		select {
		case one := <-p.asked:
			all := []*peer{one}
			for more := true; more; {
				select {
				case one := <-p.asked:
					all = append(all, one)
				default:
					more = false
				}
			}
			find(all)
			p.mu.Lock()
			for _, one := range all {
				if one.pid != 0 {
					p.found[one.number] = one.pid
				}
			}
			p.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// find looks once.
func find(all []*peer) {
	sockets := map[string][]*peer{} // by the link that a file descriptor is
	wanted := map[string]*peer{}
	for _, one := range all {
		wanted[one.ends] = one
	}
	table, _ := os.ReadFile("/proc/net/tcp") // where there is none nobody is found
	for line := range bytes.Lines(table) {
		// sl local_address rem_address st queues timer retransmits uid timeout inode
		if f := strings.Fields(string(line)); len(f) > 9 && f[9] != "0" {
			if one := wanted[f[1]+" "+f[2]]; one != nil {
				link := "socket:[" + f[9] + "]"
				sockets[link] = append(sockets[link], one)
			}
		}
	}
	for _, pid := range children() {
		dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		open, _ := os.ReadDir(dir)
		for _, file := range open {
			link, _ := os.Readlink(filepath.Join(dir, file.Name()))
			for _, one := range sockets[link] {
				one.pid = pid
			}
		}
	}
}

// children are the processes that this one has started.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // fails for a bad pattern alone
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(child); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// tableAddress is an address as the kernel's table has it.
func tableAddress(a *net.TCPAddr) string {
	ip := a.IP.To4()
	if ip == nil {
		return ""
	}
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
}
