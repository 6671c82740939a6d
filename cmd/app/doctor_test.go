package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/datadir"
	"datapusher/internal/id"
	"datapusher/internal/secret"
	"datapusher/internal/testutil/dbtest"
	"datapusher/internal/testutil/pgtest"
	"datapusher/workflows/river"
)

// ready is a server that says that it is well, at a time that is so far off.
func ready(t *testing.T, status string, off time.Duration) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		_, _ = w.Write([]byte(`{"checks": {"database": {"status": "` + status + `", "error": "too slow"}}}`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// clinic is an installation on River that is well but for its database, which
// forgets: it is a scratch one. It has a destination on this machine.
func clinic(t *testing.T) *Doctor {
	t.Helper()
	d := &Doctor{Config: defaults(t), URL: ready(t, "ok", 0), Timeout: 10 * time.Second}
	d.Engine, d.AllowUnsafe, d.AllowCIDRs = engineRiver, true, "127.0.0.0/8"
	d.DatabaseURL = dbtest.PostgresURL(t)
	var err error
	d.EncryptionKeys, err = secret.NewKeys()
	require.NoError(t, err)
	d.change(t, func(db *database.DB) {
		_, err := river.Migrate(t.Context(), db.Write)
		require.NoError(t, err)
		account := id.New(id.Account, time.Now())
		db.Ent.Account.Create().SetID(account).SetName("Clinic").SetEmail("clinic@example.com").ExecX(auth.AsSystem(t.Context()))
		db.Ent.Destination.Create().SetID(id.New(id.Destination, time.Now())).SetAccountID(account).SetURL("http://127.0.0.1:1/").
			SetSigningSecrets([]byte{1}).ExecX(auth.AsSystem(t.Context()))
	})
	return d
}

func (d *Doctor) change(t *testing.T, how func(*database.DB)) {
	t.Helper()
	db, err := database.Open(t.Context(), d.DatabaseURL)
	require.NoError(t, err)
	defer db.Close()
	how(db)
}

// Each ailment is found by its look, and what there is to do is said.
func TestTheDoctorFindsEachAilment(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nobody is there
	for name, ailment := range map[string]struct {
		give         func(t *testing.T, d *Doctor)
		check        string // that finds it; "" is none
		status       string
		detail, mend string
	}{
		"none": {func(*testing.T, *Doctor) {}, "", "", "", ""},
		"a token that is too short": {
			func(_ *testing.T, d *Doctor) { d.AdminToken = "short" },
			"configuration", failed, "admin", "docs/CONFIGURATION.md",
		},
		"keys that are none": {
			func(_ *testing.T, d *Doctor) { d.EncryptionKeys = "nonsense" },
			"keys", failed, "keyset", "datapusher keys generate",
		},
		"a database that is not there": {
			func(_ *testing.T, d *Doctor) { d.DatabaseURL = "postgres://127.0.0.1:1/none?sslmode=disable" },
			"database", failed, "refused", "is it running",
		},
		"a database that forgets": {
			func(_ *testing.T, d *Doctor) { d.AllowUnsafe = false },
			"durability", failed, "fsync=off", "--allow-unsafe-database",
		},
		"a database that is empty": {
			func(t *testing.T, d *Doctor) { d.DatabaseURL = pgtest.URL(t) },
			"schema", failed, "migrat", "datapusher migrate up",
		},
		"keys of another database": {
			func(t *testing.T, d *Doctor) {
				r := &rotator{url: d.DatabaseURL}
				var err error
				r.keys, err = secret.NewKeys()
				require.NoError(t, err)
				r.plant(t)
			},
			"keys of the database", failed, "key", "keyset that this database was sealed with",
		},
		"an engine without its tables": {
			func(t *testing.T, d *Doctor) {
				d.change(t, func(db *database.DB) {
					_, err := db.Write.Exec("DROP SCHEMA river CASCADE")
					require.NoError(t, err)
				})
			},
			"engine", failed, "river", "datapusher migrate up --engine=river",
		},
		"an engine that is not there": {
			func(_ *testing.T, d *Doctor) { d.Engine = "temporal" },
			"engine", failed, "", "TEMPORAL_ADDRESS",
		},
		"a destination that may not be sent to": {
			func(_ *testing.T, d *Doctor) { d.AllowCIDRs = "none" },
			"egress", warning, "not allowed", "--allow-cidrs",
		},
		"a destination without a name": {
			func(t *testing.T, d *Doctor) {
				d.change(t, func(db *database.DB) {
					db.Ent.Destination.Update().SetURL("https://nowhere.invalid").ExecX(auth.AsSystem(t.Context()))
				})
			},
			"egress", warning, "nowhere.invalid does not resolve", "mend the name",
		},
		"networks that are none": {
			func(_ *testing.T, d *Doctor) { d.NAT64Prefixes = "nonsense" },
			"egress", failed, "nonsense", "--nat64-prefixes",
		},
		"a server that is not there": {
			func(_ *testing.T, d *Doctor) { d.URL = "http://127.0.0.1:1" },
			"server", warning, "refused", "datapusher serve --worker",
		},
		"a server that is another": {
			func(t *testing.T, d *Doctor) {
				s := httptest.NewServer(http.NotFoundHandler())
				t.Cleanup(s.Close)
				d.URL = s.URL
			},
			"server", failed, "not as Data Pusher does", "--url",
		},
		"a server that is not ready": {
			func(t *testing.T, d *Doctor) { d.URL = ready(t, "failing", 0) },
			"server", failed, "database too slow", "its log",
		},
		"a server whose clock is wrong": {
			func(t *testing.T, d *Doctor) { d.URL = ready(t, "ok", time.Minute) },
			"server", failed, "off this machine's", "NTP",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := clinic(t)
			ailment.give(t, d)
			d.JSON = true
			var out bytes.Buffer
			err := d.run(t.Context(), &out)
			require.Equal(t, ailment.status == failed, err != nil, "%v", err)
			var findings []finding
			require.NoError(t, json.Unmarshal(out.Bytes(), &findings))
			require.Len(t, findings, 10)
			if ailment.check == "" {
				for _, f := range findings {
					require.Contains(t, []string{found, warning}, f.Status, f)
					require.Equal(t, f.Check == "durability", f.Status == warning, f)
				}
				return
			}
			i := slices.IndexFunc(findings, func(f finding) bool { return f.Check == ailment.check })
			require.Equal(t, ailment.status, findings[i].Status, "%v", findings)
			require.Contains(t, findings[i].Detail, ailment.detail)
			require.Contains(t, findings[i].Mend, ailment.mend)
			require.NotContains(t, out.String(), d.AdminToken)
			require.NotContains(t, out.String(), "postgres://")
		})
	}
}

// The admin token goes to the installation's own server, and to no other that is named.
func TestTheDoctorGivesTheTokenToItsOwnServerAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		local    bool // in a data directory
		put      func(d *Doctor, at string)
		received bool
	}{
		"a stranger":                        {true, func(d *Doctor, at string) { d.URL = at }, false},
		"a stranger, while its own runs":    {true, func(d *Doctor, at string) { run(t, d, "http://127.0.0.1:1"); d.URL = at }, false},
		"the data directory's own":          {true, func(d *Doctor, at string) { run(t, d, at) }, true},
		"the data directory's own, by name": {true, func(d *Doctor, at string) { run(t, d, at); d.URL = at + "/" }, true},
		"nobody is named, none runs":        {true, func(d *Doctor, at string) { d.PublicURL = at }, true},
		"a database, a stranger":            {false, func(d *Doctor, at string) { d.URL = at }, false},
		"a database, nobody is named":       {false, func(d *Doctor, at string) { d.Listen = strings.TrimPrefix(at, "http://") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, received atomic.Bool
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
				asked.Store(true)
				received.Store(q.Header.Get("Authorization") != "")
			}))
			t.Cleanup(s.Close)
			d := &Doctor{Config: defaults(t), DataDir: t.TempDir(), Timeout: 10 * time.Second}
			d.DatabaseURL = "postgres://127.0.0.1:1/none?sslmode=disable"
			if test.local {
				d.DatabaseURL = ""
				require.NoError(t, datadir.WriteFile(filepath.Join(d.DataDir, datadir.Database), nil))
			}
			test.put(d, s.URL)
			require.Error(t, d.run(t.Context(), io.Discard))
			require.True(t, asked.Load())
			require.Equal(t, test.received, received.Load())
		})
	}
}

// run says that a program runs on the data directory.
func run(t *testing.T, d *Doctor, at string) {
	t.Helper()
	require.NoError(t, datadir.Endpoints{API: at}.Write(d.DataDir))
}

// What a look needs and cannot have is left out, not failed.
func TestTheDoctorLeavesOutWhatItCannotLookAt(t *testing.T) {
	t.Parallel()
	d := clinic(t)
	d.DatabaseURL, d.JSON = "postgres://127.0.0.1:1/none?sslmode=disable", true
	var out bytes.Buffer
	require.ErrorContains(t, d.run(t.Context(), &out), "1 of 10 looks found something broken")
	var findings []finding
	require.NoError(t, json.Unmarshal(out.Bytes(), &findings))
	for _, f := range findings {
		if slices.Contains([]string{"durability", "schema", "keys of the database", "clock of the database", "engine", "egress"}, f.Check) {
			require.Equal(t, finding{Check: f.Check, Status: skipped, Detail: f.Detail}, f)
			require.Contains(t, f.Detail, "needs")
		}
	}
}
