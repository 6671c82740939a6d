package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// part is a process, with all that it has started, under the name that it has in
// a report.
type part struct {
	name string
	pid  func() int
	cmd  *exec.Cmd // nil: it does not end before the stack does
}

// Usage is what one part has used up to now.
type Usage struct {
	CPU    time.Duration // user and system, of children that have ended too
	Memory int64         // bytes resident now, shared pages once
}

// ticks of /proc are a hundredth of a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Usage is what each part has used. Postgres is in three parts: the connections
// of Data Pusher, those of Temporal, and what the server does by itself.
func (s *Stack) Usage() map[string]Usage {
	all := processes()
	used := make(map[string]Usage)
	for _, p := range s.parts {
		if p.cmd != nil && p.cmd.ProcessState != nil {
			used[p.name] = Usage{CPU: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()}
			continue
		}
		for _, pid := range all.tree(p.pid()) {
			name := p.name
			if name == "postgres" {
				name = postgresPart(all[pid].title)
			}
			u := used[name]
			u.CPU += all[pid].cpu
			u.Memory += all[pid].memory
			used[name] = u
		}
	}
	return used
}

// postgresPart tells whom a Postgres process serves, by its title.
func postgresPart(title string) string {
	switch {
	case strings.Contains(title, " datapusher "):
		return "postgres: datapusher"
	case strings.Contains(title, " temporal "):
		return "postgres: temporal"
	}
	return "postgres: itself"
}

type info struct {
	parent int
	cpu    time.Duration
	memory int64
	title  string
}

type table map[int]info

// processes reads the state of all processes.
func processes() table {
	t := make(table)
	found, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		dir := filepath.Dir(file)
		pid, _ := strconv.Atoi(filepath.Base(dir))
		f := statFields(string(text))
		if len(f) < 15 {
			continue
		}
		var one info
		one.parent, _ = strconv.Atoi(f[1])
		for _, s := range f[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(s, 10, 64)
			one.cpu += time.Duration(n) * tick
		}
		title, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		one.title = strings.ReplaceAll(string(title), "\x00", " ")
		one.memory = proportional(dir)
		t[pid] = one
	}
	return t
}

// statFields are those of /proc/<pid>/stat after the name, which may hold spaces.
func statFields(stat string) []string {
	_, rest, _ := strings.Cut(stat, ") ")
	for strings.Contains(rest, ") ") {
		_, rest, _ = strings.Cut(rest, ") ")
	}
	return strings.Fields(rest)
}

// proportional is a process's resident memory, what is shared divided by those
// that share it.
func proportional(dir string) int64 {
	text, err := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// tree is a process and all below it.
func (t table) tree(root int) []int {
	if _, ok := t[root]; !ok {
		return nil
	}
	tree := []int{root}
	for pid, one := range t {
		if one.parent == root {
			tree = append(tree, t.tree(pid)...)
		}
	}
	return tree
}

// Resident is a process's resident memory in bytes.
func Resident(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
