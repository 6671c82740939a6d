package seed

import (
	"errors"
	"strings"

	"datapusher/internal/jsoncheck"
	"datapusher/internal/sender"
)

// maxNesting of the seed's headers; they are a flat object.
const maxNesting = 16

// parseHeaders reads the seed's JSON object of headers, in its order. Values that
// are no strings are taken as their JSON text. A header that may not be set is
// left out, with the reason: the seed's client could not have relied on it.
func parseHeaders(text string) (headers []sender.Header, dropped []string, err error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "null" {
		return nil, nil, nil
	}
	if jsoncheck.Check([]byte(text), maxNesting) != nil || !jsoncheck.IsObject([]byte(text)) {
		return nil, nil, errors.New("its headers are no JSON object")
	}
	for name, value := range jsoncheck.Members([]byte(text)) {
		h := sender.Header{Name: string(name), Value: string(value)}
		if s, ok := jsoncheck.Text(value); ok {
			h.Value = s
		}
		if broken := sender.CheckHeaders([]sender.Header{h}); len(broken) > 0 {
			dropped = append(dropped, h.Name+" "+broken[0].Message)
			continue
		}
		headers = append(headers, h)
	}
	return headers, dropped, nil
}
