package cluster

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxSocketDir keeps "<dir>/.s.PGSQL.<port>" below the kernel's 108 bytes.
const maxSocketDir = 88

// initialize makes the data folder of a cluster and writes its settings.
func initialize(bin, dir string, who runAs, settings map[string]string) error {
	args := []string{"-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C"}
	// Like most servers in production it does not compare text bytewise: a column
	// whose order must be bytewise has to say so, and tests show where one does not.
	linguistic := append(slices.Clone(args), "--locale-provider=icu", "--icu-locale=en-US")
	if err := who.command(filepath.Join(bin, "initdb"), dir, linguistic...).Run(); err != nil {
		// Before version 15, or built without ICU.
		if out, err := who.command(filepath.Join(bin, "initdb"), dir, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("initdb: %w\n%s", err, out)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(configuration(dir, settings))
	return errors.Join(err, f.Close())
}

func configuration(dir string, settings map[string]string) string {
	all := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": dir,
		"max_connections":         "300", // every package's tests may share one cluster
		"timezone":                "UTC",
		// The files need not outlive the machine; what a commit promises stays as in production.
		"fsync":              "off",
		"full_page_writes":   "off",
		"synchronous_commit": "on",
	}
	if len(dir) > maxSocketDir {
		all["unix_socket_directories"] = ""
	}
	maps.Copy(all, settings)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(all[name], "'", "''"))
	}
	return b.String()
}
