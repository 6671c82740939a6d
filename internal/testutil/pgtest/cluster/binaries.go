package cluster

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"datapusher/internal/testutil/filelock"
)

// EnvBin names the folder of the Postgres binaries to use, instead of the
// newest installed ones.
const EnvBin = "DATAPUSHER_TEST_PG_BIN"

// system is where binaries are looked for and how they are installed.
type system struct {
	root string    // folder with one folder per major version
	uid  int       // only root installs
	log  io.Writer // tells why the tests take long
}

func binaries() (string, error) {
	return system{root: "/usr/lib/postgresql", uid: os.Geteuid(), log: os.Stderr}.binaries()
}

// binaries is the folder with initdb, pg_ctl and postgres. Where there is none
// and this process may install packages, it installs Debian's.
func (s system) binaries() (string, error) {
	if bin := os.Getenv(EnvBin); bin != "" {
		if !complete(bin) {
			return "", fmt.Errorf("%s=%s: initdb, pg_ctl and postgres are not all there", EnvBin, bin)
		}
		return bin, nil
	}
	if bin := s.find(); bin != "" {
		return bin, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || s.uid != 0 {
		return "", fmt.Errorf("the tests need Postgres's binaries: run `sudo apt-get install -y postgresql`, or set %s to their folder", EnvBin)
	}
	unlock, err := filelock.Lock(filepath.Join(os.TempDir(), "datapusher-postgres-install.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if bin := s.find(); bin != "" { // another process was faster
		return bin, nil
	}
	if err := s.install(); err != nil {
		return "", fmt.Errorf("installing Postgres for the tests failed; run `apt-get install -y postgresql`: %w", err)
	}
	if bin := s.find(); bin != "" {
		return bin, nil
	}
	return "", fmt.Errorf("postgresql is installed, but there are no binaries in %s/*/bin; set %s to their folder", s.root, EnvBin)
}

func (s system) find() string {
	found, _ := filepath.Glob(filepath.Join(s.root, "*", "bin")) // fails for a bad pattern alone
	major := func(bin string) float64 {
		v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(bin)), 64)
		return v
	}
	slices.SortFunc(found, func(a, b string) int { return int(2 * (major(b) - major(a))) })
	if initdb, err := exec.LookPath("initdb"); err == nil {
		found = append(found, filepath.Dir(initdb))
	}
	if i := slices.IndexFunc(found, complete); i >= 0 {
		return found[i]
	}
	return ""
}

func complete(bin string) bool {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	return true
}

// install installs Debian's packages. Their scripts would create a cluster of
// their own and start it; only the binaries are wanted.
func (s system) install() error {
	fmt.Fprintln(s.log, "installing postgresql for the tests (once; takes a minute) ...")
	for _, step := range [][]string{
		{"apt-get", "update"},
		{"apt-get", "install", "-y", "--no-install-recommends", "postgresql-common"},
		{"sed", "-ri", `s/^#?\s*create_main_cluster\b.*/create_main_cluster = false/`, "/etc/postgresql-common/createcluster.conf"},
		{"apt-get", "install", "-y", "--no-install-recommends", "postgresql"},
	} {
		cmd := exec.Command(step[0], step[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", step, err, out)
		}
	}
	return nil
}
