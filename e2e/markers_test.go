package e2e_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/sender"
	"datapusher/internal/testutil/receiver"
)

// markers are texts that stand for what is secret, or belongs to one place alone.
// Each is as good as unique, so that finding it anywhere means that it leaked.
type markers struct {
	t     *testing.T
	known []marker

	control              []byte // an id, which may be anywhere: finding it shows that there was something to search
	places, bytes, found int
	seen                 map[string]bool // "place marker" of what was found where it belongs
}

type marker struct {
	name  string
	forms [][]byte
}

// plant makes a new marker.
func (m *markers) plant(name string) string {
	value := "mark" + rand.Text()
	m.add(name, value)
	return value
}

// add makes a text that somebody else has made a marker. It is looked for as it is,
// in hexadecimal, in base64 wherever it may begin, and in a URL.
func (m *markers) add(name, value string) {
	require.Greater(m.t, len(value), 15, name)
	forms := [][]byte{[]byte(value), []byte(hex.EncodeToString([]byte(value))), []byte(url.QueryEscape(value))}
	for _, code := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			// The characters that hold bits of the value alone.
			text := code.EncodeToString(append(make([]byte, shift), value...))
			forms = append(forms, []byte(text[(shift*8+5)/6:len(text)-1]))
		}
	}
	m.known = append(m.known, marker{name, forms})
}

// look searches a place for all markers but those that belong there.
func (m *markers) look(place string, content []byte, belong ...string) {
	m.places++
	m.bytes += len(content)
	if bytes.Contains(content, m.control) {
		m.seen[place] = true
	}
	for _, one := range m.known {
		if !slices.ContainsFunc(one.forms, func(form []byte) bool { return bytes.Contains(content, form) }) {
			continue
		}
		if slices.Contains(belong, one.name) {
			m.seen[place+" "+one.name] = true
			continue
		}
		m.found++
		m.t.Errorf("%s was found in %s", one.name, place)
	}
}

// columns are where something may stand in clear: what the owner sends, and asks for.
var columns = map[string][]string{
	"events.payload":         {"payload"},
	"destinations.url":       {"URL query"},
	"events.idempotency_key": {"idempotency key"},
	"idempotency_keys.id":    {"idempotency key"},
}

// dump searches every column of every table.
func (m *markers) dump(of string, db *sql.DB, tables string) {
	ctx := m.t.Context()
	for _, table := range column(m.t, db, tables) {
		rows, err := db.QueryContext(ctx, `SELECT * FROM "`+table+`"`)
		require.NoError(m.t, err, table)
		names, err := rows.Columns()
		require.NoError(m.t, err)
		content := make([]bytes.Buffer, len(names))
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			require.NoError(m.t, rows.Scan(into...))
			for i, v := range values {
				switch v := v.(type) {
				case []byte:
					content[i].Write(v)
				default:
					fmt.Fprint(&content[i], v)
				}
				content[i].WriteByte('\n')
			}
		}
		require.NoError(m.t, rows.Err())
		require.NoError(m.t, rows.Close())
		for i, name := range names {
			m.look(of+table+"."+name, content[i].Bytes(), columns[of+table+"."+name]...)
		}
	}
}

const (
	postgresTables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	sqliteTables   = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
)

func column(t *testing.T, db *sql.DB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(t, rows.Err())
	return all
}

// ask sends a request that is answered with an error, or with what everybody may
// read, and searches the answer.
func (m *markers) ask(a api, method, path, body string, headers ...string) {
	var content []byte
	if body != "" {
		content = []byte(body)
	}
	status, answer := a.request(m.t, method, path, content, headers...)
	m.look(fmt.Sprintf("the answer %d of %s %s", status, method, strings.Split(path, "?")[0]), answer)
}

// refused sends a mutation whose input is wrong.
func (m *markers) refused(a api, name, inputType string, input map[string]any) {
	question, err := json.Marshal(map[string]any{
		"query":     fmt.Sprintf("mutation($in: %s!) { %s(input: $in) { __typename } }", inputType, name),
		"variables": map[string]any{"in": input},
	})
	require.NoError(m.t, err)
	status, answer := a.request(m.t, http.MethodPost, "/graphql", question)
	require.Contains(m.t, string(answer), `"errors"`, "%s is refused", name)
	m.look(fmt.Sprintf("the answer %d of %s", status, name), answer)
}

// echo answers with what it got, as test endpoints and error pages do.
func echo(status int) receiver.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.WriteHeader(status)
		_ = r.Header.Write(w)
	}
}

// use has everything happen that may happen to an event, with markers in whatever
// is secret.
func (m *markers) use(admin api) (a api) {
	t := m.t
	account, token := admin.createAccount(t, "markers@example.com")
	m.add("account's token", token)
	a = admin.with(token)
	m.add("admin token", admin.token)

	inQuery, header := m.plant("URL query"), m.plant("header value")
	key := []byte(rand.Text()[:24])
	m.add("own signing secret", base64.StdEncoding.EncodeToString(key))
	m.add("own signing secret's bytes", string(key))
	add := func(to, method string, more map[string]any) string {
		input := map[string]any{
			"accountID": account, "url": to + "/in?token=" + inQuery, "httpMethod": method,
			"headers": []map[string]any{{"name": "Authorization", "value": "Bearer " + header}},
		}
		maps.Copy(input, more)
		var made struct {
			Destination   struct{ ID string }
			SigningSecret string
		}
		a.mutate(t, "createDestination", "CreateDestinationInput", "destination { id } signingSecret", input, &made)
		if more["signingAlgorithm"] == nil {
			m.add("signing secret", strings.TrimPrefix(made.SigningSecret, "whsec_"))
		}
		return made.Destination.ID
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	want := map[string]string{}
	well := add(receiver.New(t, echo(http.StatusOK)).URL, "POST", map[string]any{"signingSecret": sender.FormatSecret(key)})
	want[well] = "SUCCEEDED"
	want[add(receiver.New(t, echo(http.StatusOK)).URL, "GET", map[string]any{"signingAlgorithm": "ED25519"})] = "SUCCEEDED"
	want[add(receiver.New(t, echo(http.StatusServiceUnavailable)).URL, "PUT", nil)] = "RETRYING"
	want[add(receiver.New(t, echo(http.StatusGone)).URL, "PATCH", nil)] = "PARKED"
	want[add(receiver.New(t, receiver.Until(nil, nil)).URL, "POST", map[string]any{"timeout": "1s"})] = "RETRYING"
	want[add(receiver.New(t, receiver.Hangup).URL, "DELETE", nil)] = "RETRYING"
	want[add("http://"+closed.Addr().String(), "POST", nil)] = "RETRYING"
	want[add(strings.Replace(receiver.New(t).URL, "http:", "https:", 1), "POST", nil)] = "RETRYING"
	want[add("http://10.1.2.3", "POST", nil)] = "FAILED RETRYING"
	paused := add(receiver.New(t).URL, "POST", nil)
	want[paused] = "PARKED"
	a.mutate(t, "pauseDestination", "PauseDestinationInput", "destination { id }", map[string]any{"destinationID": paused}, nil)

	payload := `{"n":1,"text":"` + m.plant("payload") + `"}`
	m.control = []byte(paused)
	event := a.push(t, payload, "Idempotency-Key", m.plant("idempotency key"), "Event-Type", "order.created")
	eventually(t, func() bool {
		all := a.deliveries(t, event)
		for _, d := range all {
			if !strings.Contains(want[d.Destination.ID], d.Status) || d.AttemptCount == 0 && d.Destination.ID != paused && d.Status != "FAILED" {
				return false
			}
		}
		return len(all) == len(want)
	}, "each delivery comes to what its receiver makes of it")

	var replayed struct{ Event struct{ ID string } }
	a.mutate(t, "replayEvent", "ReplayEventInput", "event { id }", map[string]any{
		"eventID": event, "destinationIDs": []string{well},
		"headers": []map[string]any{{"name": "X-Own", "value": m.plant("header of a replay")}},
	}, &replayed)
	a.succeeded(t, replayed.Event.ID, 1)
	var rotated struct{ SigningSecret string }
	a.mutate(t, "rotateSigningSecret", "RotateSigningSecretInput", "signingSecret", map[string]any{"destinationID": well, "overlap": "1h"}, &rotated)
	m.add("rotated signing secret", strings.TrimPrefix(rotated.SigningSecret, "whsec_"))
	a.push(t, payload, "Event-Type", "order.created")
	m.refuse(a, account)
	for _, path := range []string{"/", "/playground", "/schema.graphql", "/openapi.json", "/healthz", "/readyz", "/metrics", "/no/such/page"} {
		m.ask(admin, http.MethodGet, path, "")
	}
	return a
}

// refuse sends requests that are wrong in every way.
func (m *markers) refuse(a api, account string) {
	wrong := m.plant("refused value")
	for _, headers := range [][]string{nil, {"Authorization", "Bearer " + wrong}, {"CL-X-TOKEN", wrong}, {"Cookie", "session=" + wrong}} {
		for _, body := range []string{`{"a":` + wrong, `["` + wrong, `{"account_id":"` + account + `","secret_token":"` + wrong + `","data":{}}`, `{"query":"` + wrong} {
			for _, path := range []string{"/server/incoming_data", "/server/incoming_data/batch", "/graphql", "/account/", "/destination/"} {
				m.ask(api{url: a.url}, http.MethodPost, path+"?secret_token="+wrong, body, headers...)
				if headers == nil && !json.Valid([]byte(body)) { // what is JSON is an event
					m.ask(a, http.MethodPost, path+"?secret_token="+wrong, body)
				}
			}
		}
	}
	m.ask(a, http.MethodGet, "/server/incoming_data?account_id="+account+"&secret_token="+wrong+"&data="+wrong, "")
	m.ask(a, http.MethodPost, "/server/incoming_data", `{}`, "Idempotency-Key", strings.Repeat(wrong, 20))
	m.ask(a, http.MethodPost, "/server/incoming_data", `{}`, "Content-Type", "text/"+wrong)
	header := func(name, value string) []map[string]any { return []map[string]any{{"name": name, "value": value}} }
	for _, input := range []map[string]any{
		{"url": "https://user:" + wrong + "@example.com"},
		{"url": "ftp://example.com/" + wrong},
		{"url": "https://example.com/%zz" + wrong},
		{"url": "https://example.com", "headers": header("X-Key", wrong+"\r\nX: y")},
		{"url": "https://example.com", "headers": header("Host", wrong)},
		{"url": "https://example.com", "signingSecret": wrong},
		{"url": "https://example.com", "signingSecret": "whsec_" + wrong},
	} {
		input["accountID"] = account
		m.refused(a, "createDestination", "CreateDestinationInput", input)
	}
	m.refused(a, "createAccount", "CreateAccountInput", map[string]any{"name": "a", "email": wrong})
}

// report ends the search: what belongs to a place has to have been seen there, or
// the search would prove nothing.
func (m *markers) report(controls ...string) {
	for _, place := range controls {
		require.True(m.t, m.seen[place], "the control is in %s", place)
	}
	for place, names := range columns {
		for _, name := range names {
			require.True(m.t, m.seen[place+" "+name], "%s is in %s", name, place)
		}
	}
	m.t.Logf("%d markers searched in %d places (%d bytes), %d found", len(m.known), m.places, m.bytes, m.found)
}

func newMarkers(t *testing.T) *markers {
	t.Helper()
	return &markers{t: t, seen: map[string]bool{}}
}

// keyset makes a keyset and its key markers.
func (m *markers) keyset(keys string) {
	m.add("keyset", keys)
	text, err := base64.StdEncoding.DecodeString(keys)
	require.NoError(m.t, err)
	var set struct {
		Key []struct {
			KeyData struct{ Value []byte }
		}
	}
	require.NoError(m.t, json.Unmarshal(text, &set))
	for _, k := range set.Key {
		m.add("encryption key", string(k.KeyData.Value[len(k.KeyData.Value)-32:]))
	}
}

// Nothing secret is anywhere but where it belongs, in the program that brings along
// everything.
func TestNoMarkerLeaksFromTheStandaloneProgram(t *testing.T) {
	t.Parallel()
	m, dir := newMarkers(t), t.TempDir()
	bootStandaloneOnce(t, dir) // makes the secrets, and shows the token
	p, admin, where := bootStandalone(t, dir, "--no-demo", "--log-level=debug")
	keys, err := os.ReadFile(filepath.Join(dir, "keys"))
	require.NoError(t, err)
	m.keyset(strings.TrimSpace(string(keys)))
	m.use(admin)

	var workflows struct {
		Executions []struct {
			Execution struct{ WorkflowID string }
		}
	}
	const all = "/api/v1/namespaces/default/workflows"
	require.NoError(t, getJSON(t, where.TemporalUI+all, &workflows))
	require.NotEmpty(t, workflows.Executions)
	ui := api{url: where.TemporalUI}
	m.ask(ui, http.MethodGet, all, "")
	for _, w := range workflows.Executions {
		path := all + "/" + url.PathEscape(w.Execution.WorkflowID)
		m.ask(ui, http.MethodGet, path, "")
		m.ask(ui, http.MethodGet, path+"/history", "")
	}
	m.files(dir)
	p.stop()
	m.files(dir)
	printed, _ := p.output.read()
	require.Contains(t, printed, "level=DEBUG")
	m.look("what it printed", []byte(printed))
	db, err := database.OpenForeignSQLite(t.Context(), filepath.Join(dir, "datapusher.db"))
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	m.dump("", db, sqliteTables)
	m.report("what it printed", "the file datapusher.db", "the file "+temporalFile(t, dir), "destinations.id")
}

// temporalFile names the database of the Temporal server inside.
func temporalFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "temporal-*.db"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return filepath.Base(files[0])
}

// bootStandaloneOnce has the first start make what is secret.
func bootStandaloneOnce(t *testing.T, dir string) {
	t.Helper()
	p, a, _ := bootStandalone(t, dir, "--no-demo")
	p.stop()
	printed, _ := p.output.read()
	require.Contains(t, printed, a.token, "the first start shows the token")
}

// files searches those of the data directory that are not the secrets' own.
func (m *markers) files(dir string) {
	entries, err := os.ReadDir(dir)
	require.NoError(m.t, err)
	for _, e := range entries {
		var belong []string
		switch {
		case e.Name() == "keys" || e.Name() == "admin-token":
			continue
		case strings.HasPrefix(e.Name(), "datapusher.db"): // with its log, and all columns
			belong = []string{"payload", "URL query", "idempotency key"}
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(m.t, err)
		m.look("the file "+e.Name(), content, belong...)
	}
}

// The same for the production binary on Postgres, with Temporal's database as well.
func TestNoMarkerLeaksInProduction(t *testing.T) {
	t.Parallel()
	m, i := newMarkers(t), newInstallation(t)
	setting := func(name string) string {
		at := slices.IndexFunc(i.env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		return strings.TrimPrefix(i.env[at], name+"=")
	}
	m.keyset(setting("DATAPUSHER_ENCRYPTION_KEYS"))
	ours, err := url.Parse(setting("DATAPUSHER_DATABASE_URL"))
	require.NoError(t, err)
	withPassword := *ours
	withPassword.User = url.UserPassword(ours.User.Username(), m.plant("database password")) // this server asks for none
	i.env = append(i.env, "DATAPUSHER_DATABASE_URL="+withPassword.String())

	p, admin := i.serve(t, "--worker", "--migrate", "--log-level=debug")
	a := m.use(admin)
	p.stop()
	printed, _ := p.output.read()
	require.Contains(t, printed, `"level":"DEBUG"`)
	m.look("what it printed", []byte(printed))
	m.rotate(&i, a)
	refused := start(t, production(t), append(i.env, "DATAPUSHER_DATABASE_URL="+strings.Replace(withPassword.String(), ours.Port(), "1", 1)), "serve", "--worker")
	<-refused.ended
	printed, _ = refused.output.read()
	require.Contains(t, printed, "the database does not answer")
	m.look("what it printed without its database", []byte(printed))

	db, err := database.Open(t.Context(), ours.String())
	require.NoError(t, err)
	defer db.Close()
	m.dump("", db.Read, postgresTables)
	m.temporal(db.Read, *ours, setting("TEMPORAL_NAMESPACE"))
	m.report("what it printed", "destinations.id", "Temporal's history_node.data")
}

// rotate changes the keys as an operator does, and has everything sealed again while
// the program runs: the destinations work as before, and the old keyset is refused.
func (m *markers) rotate(i *installation, a api) {
	old := *i
	set := func(keys string) {
		m.keyset(strings.TrimSpace(keys))
		i.env = append(slices.Clip(i.env), "DATAPUSHER_ENCRYPTION_KEYS="+strings.TrimSpace(keys))
	}
	run := func(args ...string) (printed, notes string) {
		var out, messages bytes.Buffer
		cmd := exec.CommandContext(m.t.Context(), production(m.t), args...)
		cmd.Env, cmd.Stdout, cmd.Stderr = i.env, &out, &messages
		require.NoError(m.t, cmd.Run(), "%v: %s", args, &messages)
		return out.String(), messages.String()
	}
	first := strings.Fields(strings.Split(m.list(run("keys", "list")), "\n")[1])[0]
	keys, notes := run("keys", "add")
	set(keys)
	m.look("the notes of keys add", []byte(notes))
	second := strings.Fields(strings.Split(m.list(run("keys", "list")), "\n")[2])[0]
	keys, _ = run("keys", "promote", second)
	set(keys)

	p, admin := i.serve(m.t, "--worker", "--log-level=debug")
	printed, notes := run("keys", "rotate")
	m.look("what keys rotate says", []byte(printed+notes))
	require.Contains(m.t, notes, "everything is sealed with key "+second)
	keys, _ = run("keys", "retire", first)
	a.url = admin.url
	event := a.push(m.t, `{"n":2}`)
	eventually(m.t, func() bool {
		return slices.ContainsFunc(a.deliveries(m.t, event), func(d delivery) bool { return d.Status == "SUCCEEDED" })
	}, "what was sealed again is of use")
	p.stop()
	printed, _ = p.output.read()
	m.look("what it printed during the rotation", []byte(printed))

	set(keys)
	p, _ = i.serve(m.t, "--worker")
	p.stop()
	refused := start(m.t, production(m.t), old.env, "serve", "--worker")
	<-refused.ended
	printed, _ = refused.output.read()
	require.Contains(m.t, printed, "sealed with key "+second)
	m.look("what the old keyset is told", []byte(printed))
}

// list searches what keys list prints.
func (m *markers) list(printed, _ string) string {
	m.look("the list of keys", []byte(printed))
	return printed
}

// temporal searches the database of the Temporal server that has the namespace.
func (m *markers) temporal(db *sql.DB, at url.URL, namespace string) {
	searched := 0
	for _, name := range column(m.t, db, "SELECT datname FROM pg_database WHERE datname LIKE '%temporal%'") {
		at.Path = "/" + name
		theirs, err := database.Open(m.t.Context(), at.String())
		require.NoError(m.t, err)
		if !slices.Contains(column(m.t, theirs.Read, postgresTables), "namespaces") ||
			len(column(m.t, theirs.Read, "SELECT name FROM namespaces WHERE name = $1", namespace)) == 0 {
			theirs.Close()
			continue
		}
		began := time.Now()
		m.dump("Temporal's ", theirs.Read, postgresTables)
		m.t.Logf("searched Temporal's database in %s", time.Since(began).Round(time.Millisecond))
		theirs.Close()
		searched++
	}
	require.Equal(m.t, 1, searched, "Temporal's database was found")
}
