package e2e_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/testutil/pgtest"
	"datapusher/internal/testutil/receiver"
)

// Blocks of docs/FRONTEND.md that are files: their names are in the first line, or
// before a block of JSON, which has no comments.
var (
	block    = regexp.MustCompile("(?s)```js\n// ([^\n]+)\n(.*?)```")
	jsonFile = regexp.MustCompile("(?s)`([^`\n]+\\.json)`[^`]*```json\n(.*?)```")
	imported = regexp.MustCompile(`(?m)^import .* from '(@[\w-]+/[\w-]+|[\w-]+)`)
)

func frontend(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "FRONTEND.md"))
	require.NoError(t, err)
	return string(text)
}

// writeRecipes writes the files of docs/FRONTEND.md as somebody would who has copied
// them, in a folder from which node finds the libraries.
func writeRecipes(t *testing.T, url, token string) string {
	t.Helper()
	dir, err := os.MkdirTemp("clients", "recipes-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	dir, err = filepath.Abs(dir)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "src"), 0o755))
	text := frontend(t)
	for _, b := range append(block.FindAllStringSubmatch(text, -1), jsonFile.FindAllStringSubmatch(text, -1)...) {
		code := b[2]
		if b[1] == "connection.js" { // the two things that everybody has to say
			require.Contains(t, code, "https://push.example.com/graphql")
			code = "const token = '" + token + "'\n" + strings.ReplaceAll(code, "https://push.example.com/graphql", url)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, b[1]), []byte(code), 0o600))
	}
	return dir
}

// TestRecipes: what docs/FRONTEND.md tells the authors of front-end apps to write
// works as it stands there.
func TestRecipes(t *testing.T) {
	t.Parallel()
	requireNode(t)
	out, err := clients()
	require.NoError(t, err, "%s", out)
	i := newRiverInstallation(t, pgtest.URL(t))
	_, admin := i.serve(t, "--migrate", "--worker")
	there := receiver.New(t)

	for _, name := range []string{"urql", "apollo", "relay"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account, token := admin.createAccount(t, name+"@example.com")
			admin.createDestination(t, account, there.URL, "POST")
			for range 30 {
				admin.with(token).push(t, `{}`)
			}
			dir := writeRecipes(t, admin.url+"/graphql", token)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			run := func(program string, args ...string) {
				t.Helper()
				cmd := exec.CommandContext(ctx, program, args...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
			}
			if name == "relay" {
				saveSchema(t, admin.url+"/schema.graphql", filepath.Join(dir, "schema.graphql"))
				query, err := os.ReadFile(filepath.Join("clients", "Recipe.js"))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(dir, "src", "Recipe.js"), query, 0o600))
				run("../node_modules/.bin/relay-compiler", "relay.config.json")
			}
			run("node", "../recipes.mjs", name, dir, account, token, admin.url+"/server/incoming_data")
		})
	}
}

// TestRecipesSayWhatToInstall: what they import, and what they share does.
func TestRecipesSayWhatToInstall(t *testing.T) {
	t.Parallel()
	shared, _, _ := strings.Cut(frontend(t), "\n## urql")
	for section := range strings.SplitSeq(frontend(t), "\n## ") {
		name, text, _ := strings.Cut(section, "\n")
		if name != "urql" && name != "Apollo Client" && name != "Relay" {
			continue
		}
		line := ""
		for one := range strings.Lines(text) {
			if strings.HasPrefix(one, "npm install ") {
				line += " " + strings.TrimSpace(one)
			}
		}
		for _, one := range imported.FindAllStringSubmatch(shared+text, -1) {
			require.Contains(t, line+" ", " "+one[1]+" ", name)
		}
	}
}

func saveSchema(t *testing.T, url, path string) {
	t.Helper()
	answer, err := http.Get(url)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
}
