package changes

import (
	"maps"
	"slices"
	"strings"

	"datapusher/internal/database"
	"datapusher/internal/id"
)

// The channels on which processes talk. A text is who speaks and words, with
// spaces between:
//
//	datapusher_watched  a topic each, or ? for the others to say theirs
//	datapusher_changed  a topic, a colon, and ids with commas between, or *
//
// Of rows' ids only what tells them apart is said: no prefix, no zeros at the end.
const (
	watched  = "datapusher_watched"
	changed  = "datapusher_changed"
	question = "?"
	some     = "*" // have changed, and not which
)

func cut(text string) (from string, words []string, ok bool) {
	from, rest, ok := strings.Cut(text, " ")
	return from, strings.Fields(rest), ok
}

func writeTopic(t Topic) string { return string(t.Kind) + shorten(t.Account) }

func readTopic(word string) (t Topic, ok bool) {
	if word == "" {
		return t, false
	}
	if _, known := prefixes[Kind(word[0])]; !known {
		return t, false
	}
	t.Kind = Kind(word[0])
	if len(word) == 1 {
		return t, true
	}
	t.Account, ok = lengthen(id.Account, word[1:])
	return t, ok
}

func writeWatched(self string, ask bool, topics []Topic) []string {
	var words []string
	if ask {
		words = append(words, question)
	}
	for _, t := range topics {
		words = append(words, writeTopic(t))
	}
	return texts(self, words)
}

func writeChanged(self string, waiting map[Topic]*heap) []string {
	var words []string
	for t, h := range waiting {
		head := writeTopic(t) + ":"
		if h.more {
			words = append(words, head+some)
		}
		// A word has to fit a text.
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(h.ids)), 200) {
			short := make([]string, len(ids))
			for i, one := range ids {
				if short[i] = one; t.Kind != Runs {
					short[i] = shorten(one)
				}
			}
			words = append(words, head+strings.Join(short, ","))
		}
	}
	return texts(self, words)
}

// texts are as many as it takes for all words.
func texts(self string, words []string) []string {
	var all []string
	var b strings.Builder
	for _, w := range words {
		if b.Len() > 0 && b.Len()+1+len(w) > database.MaxNotice {
			all = append(all, b.String())
			b.Reset()
		}
		if b.Len() == 0 {
			b.WriteString(self)
		}
		b.WriteString(" " + w)
	}
	return append(all, b.String())
}

func readChange(word string) (t Topic, ids []string, ok bool) {
	topic, list, found := strings.Cut(word, ":")
	t, ok = readTopic(topic)
	if !ok || !found {
		return t, nil, false
	}
	if list == some {
		return t, nil, true
	}
	if t.Kind == Runs {
		return t, strings.Split(list, ","), true
	}
	for short := range strings.SplitSeq(list, ",") {
		one, ok := lengthen(prefixes[t.Kind], short)
		if !ok {
			return t, nil, false
		}
		ids = append(ids, one)
	}
	return t, ids, true
}

func shorten(one string) string {
	if len(one) <= 4 {
		return ""
	}
	return strings.TrimRight(one[4:], "0")
}

func lengthen(p id.Prefix, short string) (one string, ok bool) {
	if short == "" || len(short) > id.Length-4 {
		return "", false
	}
	one = string(p) + "_" + short + strings.Repeat("0", id.Length-4-len(short))
	return one, id.Is(p, one)
}
