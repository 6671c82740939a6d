// Command audit looks whether anything that Data Pusher is made of is known to be
// weak: it compares the packages that are linked into its programs with the Go
// vulnerability database, and the libraries with the list of those that somebody
// has looked at. What is found and stays stands in exceptions.txt, with its reason.
//
// The database comes as a Go module, so that a machine needs no other source than
// the one that its libraries come from.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	vulndb      = "golang.org/x/vulndb"
	govulncheck = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
	libraries   = "docs/decisions/0010-libraries.md"
)

// modules are looked at: each has its own go.mod.
var modules = []string{".", "cmd/standalone"}

//go:embed exceptions.txt
var exceptionsText string

func main() {
	if err := audit(); err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
}

func audit() error {
	accepted, err := parse(exceptionsText)
	if err != nil {
		return err
	}
	db, version, err := database()
	if err != nil {
		return fmt.Errorf("get the vulnerability database: %w", err)
	}
	defer os.RemoveAll(db) //nolint:errcheck // a temporary folder
	var failed []error
	// The other module names this one by its folder, which has no checksum.
	if out, err := run(".", "go", "mod", "verify"); err != nil {
		failed = append(failed, fmt.Errorf("%w\n%s", err, out))
	}
	found := map[string]string{}
	for _, dir := range modules {
		out, err := run(dir, "go", "run", govulncheck, "-db", "file://"+filepath.ToSlash(db), "-format", "json", "-scan", "package", "./...")
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		if err := findings(out, found); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		failed = append(failed, unnamed(dir)...)
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if accepted[id] == "" {
			failed = append(failed, fmt.Errorf("%s: %s (https://pkg.go.dev/vuln/%s)", id, found[id], id))
		}
	}
	for id := range accepted {
		if found[id] == "" {
			failed = append(failed, fmt.Errorf("%s is an exception that nothing needs any more", id))
		}
	}
	fmt.Printf("%s: %d known weaknesses in what is linked, %d of them with a reason to stay\n", version, len(found), len(accepted))
	return errors.Join(failed...)
}

// parse reads exceptions: an id and its reason on each line.
func parse(text string) (map[string]string, error) {
	accepted := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, _ := strings.Cut(line, " ")
		if strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("the exception %s has no reason", id)
		}
		accepted[id] = reason
	}
	return accepted, nil
}

// database writes the newest database to a folder of its own, in the form that
// govulncheck reads.
func database() (dir, version string, err error) {
	out, err := run(".", "go", "mod", "download", "-json", vulndb+"@latest")
	if err != nil {
		return "", "", err
	}
	var module struct{ Dir, Version string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", "", err
	}
	dir, err = os.MkdirTemp("", "vulndb")
	if err != nil {
		return "", "", err
	}
	_, err = run(".", "go", "run", vulndb+"/cmd/indexdb@"+module.Version,
		"-vulns", filepath.Join(module.Dir, "data", "osv"), "-out", dir)
	return dir, vulndb + "@" + module.Version, err
}

// findings adds what govulncheck has found: where, by id.
func findings(out []byte, found map[string]string) error {
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct {
			Finding *struct {
				OSV          string `json:"osv"`
				FixedVersion string `json:"fixed_version"`
				Trace        []struct{ Module, Version, Package string }
			}
		}
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if f := m.Finding; f != nil && len(f.Trace) > 0 && f.Trace[0].Package != "" {
			at := f.Trace[0]
			found[f.OSV] = fmt.Sprintf("%s in %s@%s, mended in %s", at.Package, at.Module, at.Version, f.FixedVersion)
		}
	}
}

// unnamed are the libraries of a module that are not in the list of those that
// were chosen for a reason.
func unnamed(dir string) (failed []error) {
	list, err := os.ReadFile(libraries)
	if err != nil {
		return []error{err}
	}
	out, err := run(dir, "go", "mod", "edit", "-json")
	if err != nil {
		return []error{err}
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return []error{err}
	}
	for _, r := range mod.Require {
		if !r.Indirect && r.Path != "datapusher" && !bytes.Contains(list, []byte(r.Path)) {
			failed = append(failed, fmt.Errorf("%s is used in %s and not explained in %s", r.Path, dir, libraries))
		}
	}
	return failed
}

func run(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...) //nolint:noctx // it ends with its own work
	cmd.Dir = dir
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		last := ""
		for s := bufio.NewScanner(&complaints); s.Scan(); {
			last = s.Text()
		}
		return out, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, last)
	}
	return out, nil
}
