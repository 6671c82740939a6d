package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"datapusher/internal/datadir"
)

// Profiles is the command "profile".
type Profiles struct {
	Set ProfileSet  `cmd:"" help:"Keep a server and a credential under a name, and use them from now on."`
	Use ProfileUse  `cmd:"" help:"Use a profile from now on."`
	Ls  ProfileList `cmd:"" help:"List profiles; credentials are not shown."`
	Rm  ProfileRm   `cmd:"" help:"Forget a profile."`
}

// profiles is the file of all of them.
type profiles struct {
	Current  string             `json:"current,omitempty"`
	Profiles map[string]profile `json:"profiles"`
}

type profile struct {
	Server string `json:"server"`
	Token  string `json:"token"`
}

func profilesFile() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "datapusher", "profiles.json"), err
}

func loadProfiles() (profiles, error) {
	p := profiles{Profiles: map[string]profile{}}
	name, err := profilesFile()
	if err != nil {
		return p, nil //nolint:nilerr // no home, no profiles
	}
	text, err := os.ReadFile(name) //nolint:gosec // G304: the user's own
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("%s is no file of profiles: %w", name, err)
	}
	if p.Profiles == nil {
		p.Profiles = map[string]profile{}
	}
	return p, nil
}

// store replaces the file, readable for its owner alone.
func (p profiles) store() error {
	name, err := profilesFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return datadir.WriteFile(name, append(text, '\n'))
}

func (p profiles) find(name string) (profile, error) {
	found, ok := p.Profiles[name]
	if !ok {
		known := "there are none: `datapusher profile set` makes one"
		if len(p.Profiles) > 0 {
			known = "there are " + strings.Join(slices.Sorted(maps.Keys(p.Profiles)), ", ")
		}
		return profile{}, fmt.Errorf("there is no profile %q; %s", name, known)
	}
	return found, nil
}

// ProfileSet is the command "profile set".
type ProfileSet struct {
	Name   string `arg:"" help:"Its name."`
	Server string `required:"" help:"URL of the server: https://push.example.com."`
	Token  string `help:"Admin token, or a token of an account. Not given: it is asked for, or read from standard input, so that it stays out of the shell's history."`
}

// Run stores the profile.
func (s *ProfileSet) Run(t *Terminal) error {
	server, err := serverURL(s.Server)
	if err != nil {
		return err
	}
	all, err := loadProfiles()
	if err != nil {
		return err
	}
	if s.Token == "" {
		if s.Token, err = t.secret("Token"); err != nil {
			return err
		}
	}
	if s.Token == "" {
		return invalid("a profile needs a token: the admin's, or one of an account")
	}
	all.Profiles[s.Name] = profile{Server: server, Token: s.Token}
	all.Current = s.Name
	if err := all.store(); err != nil {
		return err
	}
	t.note("profile %s is used from now on: %s", s.Name, server)
	return nil
}

// ProfileUse is the command "profile use".
type ProfileUse struct {
	Name string `arg:"" help:"Its name."`
}

// Run makes it the current one.
func (u *ProfileUse) Run(t *Terminal) error {
	all, err := loadProfiles()
	if err != nil {
		return err
	}
	found, err := all.find(u.Name)
	if err != nil {
		return err
	}
	all.Current = u.Name
	if err := all.store(); err != nil {
		return err
	}
	t.note("profile %s is used from now on: %s", u.Name, found.Server)
	return nil
}

// ProfileList is the command "profile ls".
type ProfileList struct{}

// Run lists them.
func (ProfileList) Run(t *Terminal) error {
	all, err := loadProfiles()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROFILE\tSERVER\tUSED")
	for _, name := range slices.Sorted(maps.Keys(all.Profiles)) {
		used := ""
		if name == all.Current {
			used = "now"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, all.Profiles[name].Server, used)
	}
	return w.Flush()
}

// ProfileRm is the command "profile rm".
type ProfileRm struct {
	Name string `arg:"" help:"Its name."`
}

// Run forgets it.
func (r *ProfileRm) Run() error {
	all, err := loadProfiles()
	if err != nil {
		return err
	}
	if _, err := all.find(r.Name); err != nil {
		return err
	}
	delete(all.Profiles, r.Name)
	if all.Current == r.Name {
		all.Current = ""
	}
	return all.store()
}

// Remote says which server a command speaks to, and as whom. Its variables are read
// by resolve, which has to know what is said on the command line.
type Remote struct {
	Server  string `group:"server" help:"URL of the server. Not given: that of the profile, or of the standalone program of the data directory ($DATAPUSHER_SERVER)."`
	Token   string `group:"server" help:"Admin token, or a token of an account ($DATAPUSHER_TOKEN)."`
	Profile string `group:"server" help:"Profile to use instead of the current one ($DATAPUSHER_PROFILE)."`
	DataDir string `group:"server" help:"Data directory of a standalone program, for its address and admin token. Not given: ./data, where there is no profile ($DATAPUSHER_DATA_DIR)."`
}

var errNoServer = invalid("which server? Give --server and --token, keep them with `datapusher profile set`, " +
	"or start one with `make run` in this folder")

// resolve finds the server and the credential. The command line goes before the
// environment, and both before what is used where nothing is said. A credential is
// never sent to another server than the one that it was kept for.
func (r Remote) resolve() (server, token string, err error) {
	if r.Profile == "" && r.DataDir == "" {
		r.Server = cmp.Or(r.Server, os.Getenv("DATAPUSHER_SERVER"))
		r.Profile, r.DataDir = os.Getenv("DATAPUSHER_PROFILE"), os.Getenv("DATAPUSHER_DATA_DIR")
	}
	exported := os.Getenv("DATAPUSHER_TOKEN")
	token = r.Token
	if r.Profile == "" { // one that is named has a token of its own
		token = cmp.Or(token, exported)
	}
	if r.Server != "" && token != "" {
		server, err = serverURL(r.Server)
		return server, token, err
	}
	kept, err := r.kept()
	if err != nil {
		return "", "", err
	}
	if server = cmp.Or(r.Server, kept.Server); server == "" {
		return "", "", errNoServer
	}
	if server, err = serverURL(server); err != nil {
		return "", "", err
	}
	if token == "" {
		if r.Server == "" || server == kept.Server {
			token = kept.Token
		} else {
			token = exported
		}
	}
	if token == "" {
		return "", "", invalid("a credential for %s: give --token or DATAPUSHER_TOKEN", server)
	}
	return server, token, nil
}

// kept is what was stored: the profile that is named, the data directory that is, the
// current profile, or ./data.
func (r Remote) kept() (profile, error) {
	if r.Profile == "" && r.DataDir != "" {
		return standalone(r.DataDir), nil
	}
	all, err := loadProfiles()
	if err != nil {
		return profile{}, err
	}
	if name := cmp.Or(r.Profile, all.Current); name != "" {
		return all.find(name)
	}
	return standalone("./data"), nil
}

// standalone is the program that runs on a data directory; nothing is said where
// there is none.
func standalone(dir string) profile {
	p := profile{Server: datadir.ReadEndpoints(dir).API}
	if p.Server != "" {
		p.Token, _ = datadir.Secret(dir, datadir.AdminToken) // without it one has to be given
	}
	return p
}

// serverURL is the URL of a server in one form, without a slash at its end.
func serverURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", invalid("--server must be a URL such as https://push.example.com")
	}
	return strings.TrimRight(u.Scheme+"://"+strings.ToLower(u.Host)+u.Path, "/"), nil
}
