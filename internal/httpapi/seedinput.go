package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// seedInput is what a seed's client has sent, by the names that its door knows.
// Others are left alone, as the seed did: its clients send whole objects back.
// What is wrong gathers in broken, so that the client hears of all of it at once.
type seedInput struct {
	values map[string][]byte // JSON
	broken problem.Fields
}

// seedObject reads a body. The text must be checked JSON.
func seedObject(body []byte, names ...string) *seedInput {
	in := &seedInput{values: map[string][]byte{}}
	if !jsoncheck.IsObject(body) {
		in.refuse("body", "must be a JSON object")
	}
	for name, value := range jsoncheck.Members(body) {
		if !slices.Contains(names, string(name)) {
			continue
		}
		if _, twice := in.values[string(name)]; twice {
			in.refuse(string(name), "must be there once")
		}
		in.values[string(name)] = value
	}
	return in
}

// refuse notes what is wrong with a member, once: what follows from it is no news.
func (in *seedInput) refuse(name, message string) {
	if !slices.ContainsFunc(in.broken, func(f problem.Field) bool { return f.Name == name }) {
		in.broken.Add(name, "%s", message)
	}
}

func (in *seedInput) has(name string) bool { _, ok := in.values[name]; return ok }

// isNull reports whether a member is missing or null, which the seed's clients
// mean alike.
func (in *seedInput) isNull(name string) bool {
	value, ok := in.values[name]
	return !ok || string(value) == "null"
}

// need notes which members are missing.
func (in *seedInput) need(names ...string) {
	for _, name := range names {
		if in.isNull(name) || string(in.values[name]) == `""` {
			in.refuse(name, "must be given")
		}
	}
}

// text is a string that may be missing: nil.
func (in *seedInput) text(name string) *string {
	value, ok := in.values[name]
	if !ok {
		return nil
	}
	s, ok := jsoncheck.Text(value)
	if !ok {
		in.refuse(name, "must be a string")
		return nil
	}
	return &s
}

// optional is text whose null means that there is none any more.
func (in *seedInput) optional(name string) *string {
	if in.has(name) && in.isNull(name) {
		return new("")
	}
	return in.text(name)
}

// reference is an id: ours as a string, or the seed's as a number or a string of
// its digits. It is "" when the member is missing or is no id.
func (in *seedInput) reference(name string) string {
	if in.isNull(name) {
		return ""
	}
	value := in.values[name]
	if s, ok := jsoncheck.Text(value); ok {
		return s
	}
	if !isDigits(string(value)) {
		in.refuse(name, "must be an id: a string, or the integer of an imported one")
		return ""
	}
	return string(value)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// seedQuery reads query parameters, each of which may be there once; missing
// ones are "".
func seedQuery(r *http.Request, names ...string) (map[string]string, error) {
	all, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem.Fields{{Name: "query", Message: "must be percent-encoded pairs of names and values, joined by &"}}.Err()
	}
	var broken problem.Fields
	found := make(map[string]string, len(names))
	for _, name := range names {
		if len(all[name]) > 1 {
			broken.Add(name, "must be there once")
		}
		found[name] = all.Get(name)
	}
	return found, broken.Err()
}
