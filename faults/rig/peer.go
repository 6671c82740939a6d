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
	"time"
)

// peer is a connection, and which child of this process has opened it.
type peer struct {
	address string // of the other end, as the kernel's table has it
	known   chan struct{}
	pid     int // once it is known; 0: none of this process's, or it is gone
}

type peerKey struct{}

// peers finds out who has opened connections: for all that have come meanwhile
// with one look, since a look at the kernel's tables takes long.
type peers struct{ asked chan *peer }

// newPeers looks until ctx ends.
func newPeers(ctx context.Context) *peers {
	p := &peers{asked: make(chan *peer, 4096)}
	go p.run(ctx)
	return p
}

// with gives a connection's context its peer, for all requests on it.
func (p *peers) with(ctx context.Context, c net.Conn) context.Context {
	one := &peer{known: make(chan struct{})}
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	if ok {
		one.address = tableAddress(remote)
	}
	select {
	case p.asked <- one:
	default:
		close(one.known) // too many at once
	}
	return context.WithValue(ctx, peerKey{}, one)
}

// peerPatience is how long a request waits for its peer to be known: on a machine
// that is busy a look takes long, and an answer must not.
const peerPatience = 100 * time.Millisecond

// peerOf is the id of the process at the other end; 0 where that is not known.
func peerOf(ctx context.Context) int {
	one, ok := ctx.Value(peerKey{}).(*peer)
	if !ok {
		return 0
	}
	late := time.NewTimer(peerPatience)
	defer late.Stop()
	select {
	case <-one.known:
		return one.pid
	case <-late.C:
		return 0
	}
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
		wanted[one.address] = one
	}
	table, _ := os.ReadFile("/proc/net/tcp") // where there is none nobody is found
	for line := range bytes.Lines(table) {
		// sl local_address rem_address st queues timer retransmits uid timeout inode
		if f := strings.Fields(string(line)); len(f) > 9 && f[9] != "0" {
			if one := wanted[f[1]]; one != nil {
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
	for _, one := range all {
		close(one.known)
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
