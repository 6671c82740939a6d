package sender

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// MaxURL is the longest URL of a destination, in bytes.
const MaxURL = 2048

// CheckURL says what is wrong with a destination's URL, in words for its owner.
// Whether the address behind it may be dialled is decided when it is dialled.
// A fragment is refused: it is never sent, so it stands there by mistake.
func CheckURL(raw string) error {
	if strings.Contains(raw, "#") {
		return errors.New("must not have a fragment: what follows # is never sent")
	}
	_, err := parseURL(raw)
	return err
}

// parseURL holds the rules that a URL must keep when it is saved and again when
// it is used: what is stored may be older than a rule.
func parseURL(raw string) (*url.URL, error) {
	raw, _, _ = strings.Cut(raw, "#")
	if raw == "" {
		return nil, errors.New("must not be empty: give one such as https://example.com/hook")
	}
	if len(raw) > MaxURL {
		return nil, fmt.Errorf("must have at most %d bytes", MaxURL)
	}
	if err := checkURLBytes(raw); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("is not a URL: write one such as https://example.com/hook")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must begin with http:// or https://")
	case u.User != nil:
		return nil, errors.New("must not carry a user name or password: send them in an Authorization header")
	case u.Hostname() == "":
		return nil, errors.New("must name a host, such as https://example.com/hook")
	}
	if err := checkPort(u); err != nil {
		return nil, err
	}
	return u, checkHost(u)
}

// checkURLBytes keeps out what parsers read in different ways.
func checkURLBytes(raw string) error {
	for i := range len(raw) {
		switch c := raw[i]; {
		case c <= ' ' || c == 0x7f:
			return errors.New("must not contain spaces or control characters: percent-encode them")
		case c >= 0x80:
			return errors.New("must be ASCII: write the host in punycode (xn--…) and percent-encode the rest")
		case c == '\\':
			return errors.New(`must not contain a backslash: write / or %5C`)
		}
	}
	return nil
}

func checkPort(u *url.URL) error {
	port := u.Port()
	if port == "" && !strings.HasSuffix(u.Host, ":") {
		return nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("must have a port between 1 and 65535, or none")
	}
	return nil
}

// checkHost refuses what only looks like a name. A resolver of the system may
// read 127.1 or 0x7f000001 as an address, another one not: such a host has no
// one meaning. The rule is the "ends in a number" check of the WHATWG URL standard.
func checkHost(u *url.URL) error {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() || ip.Zone() != "" {
			return errors.New("must have a plain IPv6 address between the brackets, without a zone")
		}
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if strings.HasSuffix(host, ".") {
		return errors.New("must not end its host with a dot: leave it out")
	}
	if len(host) > 253 {
		return errors.New("must have a host of at most 253 characters")
	}
	last := host
	for label := range strings.SplitSeq(host, ".") {
		if !isLabel(label) {
			return errors.New("must have a host of letters, digits, hyphens and dots; write others in punycode (xn--…)")
		}
		last = label
	}
	if isNumber(last) {
		return errors.New("must not have a number for a host: write an IPv4 address in its four decimal parts, such as 203.0.113.7")
	}
	return nil
}

// isLabel reports whether s can be one part of a host's name. The underscore is
// no character of host names, but names inside container networks have it.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// isNumber reports whether a resolver may read s as a number: decimal, octal or
// hexadecimal.
func isNumber(s string) bool {
	if len(s) >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		return strings.Trim(s[2:], "0123456789abcdefABCDEF") == ""
	}
	return strings.Trim(s, "0123456789") == ""
}
