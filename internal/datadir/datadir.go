// Package datadir names what a standalone program keeps in its data directory, for
// the programs that look into it.
package datadir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// The files.
const (
	Database   = "datapusher.db"
	Keys       = "keys" // the encryption keys
	AdminToken = "admin-token"
	endpoints  = "endpoints.json"
)

// Endpoints are where a standalone program that runs is reached. Its file is there
// while it runs.
type Endpoints struct {
	API        string `json:"api"`         // URL
	Temporal   string `json:"temporal"`    // host:port
	TemporalUI string `json:"temporal_ui"` // URL
}

// ReadEndpoints reads them; they are empty where no program runs on the directory.
func ReadEndpoints(dir string) (e Endpoints) {
	content, err := os.ReadFile(filepath.Join(dir, endpoints)) //nolint:gosec // G304: the operator names it
	if err != nil || json.Unmarshal(content, &e) != nil {
		return Endpoints{}
	}
	return e
}

// Write announces them.
func (e Endpoints) Write(dir string) error {
	content, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, endpoints), append(content, '\n'))
}

// RemoveEndpoints withdraws them.
func RemoveEndpoints(dir string) { _ = os.Remove(filepath.Join(dir, endpoints)) }

// Secret reads a file that holds a secret and nothing else.
func Secret(dir, name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // G304: the operator names it
	return strings.TrimSpace(string(content)), err
}
