package pusher

import (
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"datapusher/internal/ingest"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// The longest texts, in bytes.
const (
	maxName    = 200
	maxEmail   = 254 // RFC 5321, as erratum 1690 of RFC 3696 has it
	maxWebsite = 2048
)

// checkText looks at one line of text.
func checkText(f *problem.Fields, field, s string, maxBytes int) {
	switch {
	case len(s) > maxBytes:
		f.Add(field, "must have at most %d bytes", maxBytes)
	case !utf8.ValidString(s):
		f.Add(field, "must be UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		f.Add(field, "must not contain control characters")
	}
}

// checkName looks at a name that must be given.
func checkName(f *problem.Fields, s string) {
	if strings.TrimSpace(s) == "" {
		f.Add("name", "must not be empty")
		return
	}
	checkText(f, "name", s, maxName)
}

// checkEmail wants a bare address, such as jane@example.com (RFC 5322 addr-spec).
func checkEmail(f *problem.Fields, s string) {
	a, err := mail.ParseAddress(s)
	switch {
	case len(s) > maxEmail:
		f.Add("email", "must have at most %d bytes", maxEmail)
	case err != nil || a.Name != "" || a.Address != s || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		f.Add("email", "must be an e-mail address, such as jane@example.com")
	}
}

// checkWebsite wants an absolute web address; empty means none.
func checkWebsite(f *problem.Fields, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	switch {
	case len(s) > maxWebsite:
		f.Add("website", "must have at most %d bytes", maxWebsite)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || !utf8.ValidString(s):
		f.Add("website", "must be a web address, such as https://example.com")
	}
}

// checkOverlap looks at how long an old secret stays valid.
func checkOverlap(f *problem.Fields, d *time.Duration) {
	if d != nil && (*d < 0 || *d > MaxOverlap) {
		f.Add("overlap", "must be between 0s and 7d")
	}
}

// checkReason looks at why somebody does something.
func checkReason(f *problem.Fields, reason *string) { checkText(f, "reason", deref(reason), maxReason) }

// checkEventType looks at what the door for events takes in Event-Type.
func checkEventType(f *problem.Fields, field string, s *string) {
	t := deref(s)
	if utf8.RuneCountInString(t) > ingest.MaxEventType || !utf8.ValidString(t) || strings.ContainsFunc(t, unicode.IsControl) {
		f.Add(field, "must be UTF-8 of at most %d characters, without control characters", ingest.MaxEventType)
	}
}

// checkPayload looks at a JSON text as the door for events does.
func checkPayload(f *problem.Fields, payload *string) {
	if payload == nil {
		return
	}
	if len(*payload) > ingest.MaxPayload {
		f.Add("payload", "must have at most %d bytes", ingest.MaxPayload)
	} else if err := jsoncheck.Check([]byte(*payload), jsoncheck.MaxDepth); err != nil {
		f.Add("payload", "%s", err)
	}
}

// canonicalEmail is how e-mail addresses are stored and compared.
func canonicalEmail(s string) string { return strings.ToLower(s) }
