package temporal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const ellipsis = "…"

// oneLine makes a summary of any text: what would break the line is a space.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// clip cuts text so that it takes at most limit bytes as JSON, which is the
// form that Temporal measures: a longer one would have the whole call refused.
func clip(text string, limit int) string {
	if jsonSize(text) <= limit {
		return text
	}
	size := jsonSize(ellipsis)
	for i, r := range text {
		size += jsonRuneSize(r)
		if size > limit {
			return text[:i] + ellipsis
		}
	}
	return text
}

// jsonSize is the size of a string as JSON, quotes included. It counts rather
// than encodes, since workflow code calls it, and the checker of workflow code
// cannot vouch for encoding/json.
func jsonSize(text string) int {
	size := len(`""`)
	for _, r := range text {
		size += jsonRuneSize(r)
	}
	return size
}

func jsonRuneSize(r rune) int {
	switch r {
	case '"', '\\', '\b', '\f', '\n', '\r', '\t':
		return len(`\n`)
	case '<', '>', '&', '\u2028', '\u2029', utf8.RuneError: // the last: not UTF-8
		return len(`\u0000`)
	}
	if r < ' ' {
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}
