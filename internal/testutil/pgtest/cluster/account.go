package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// runAs is the operating system's account that Postgres runs under.
type runAs struct {
	credential *syscall.Credential // nil: the account of this process
}

// account finds one that Postgres accepts: it refuses to run as root.
func account() (runAs, error) {
	if os.Geteuid() != 0 {
		return runAs{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return runAs{}, fmt.Errorf("read the ids of user %s: %w", name, err)
		}
		return runAs{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return runAs{}, errors.New("postgres refuses to run as root and there is neither a user postgres nor a user nobody: add one (useradd --system postgres), or run the tests as another user")
}

// folder makes an empty folder of that account for one cluster.
func (r runAs) folder() (string, error) {
	parent := os.TempDir()
	if r.credential != nil && !reachable(parent) {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "datapusher-pg-")
	if err != nil {
		return "", fmt.Errorf("make the cluster's folder: %w", err)
	}
	if r.credential != nil {
		if err := os.Chown(dir, int(r.credential.Uid), int(r.credential.Gid)); err != nil {
			_ = os.Remove(dir)
			return "", fmt.Errorf("hand the cluster's folder over: %w", err)
		}
	}
	return dir, nil
}

// reachable reports whether every user can write into dir and pass through each folder above it.
func reachable(dir string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for need := os.FileMode(0o003); ; need = 0o001 {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&need != need {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// command is a command of that account in that folder. Its environment is bare:
// PGPORT, PGDATA and the like of whoever runs the tests must not matter.
func (r runAs) command(name, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.credential}
	return cmd
}
