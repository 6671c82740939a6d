package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
)

// headersOf reads the seed's form of headers, an object of names and strings, in
// the order in which they stand there. It is nil when the member is missing and
// empty when there are none.
func (in *seedInput) headersOf(name string) []sender.Header {
	text, ok := in.values[name]
	if !ok {
		return nil
	}
	if !jsoncheck.IsObject(text) {
		in.refuse(name, "must be an object of names and strings")
		return nil
	}
	headers := []sender.Header{}
	for header, value := range jsoncheck.Members(text) {
		s, ok := jsoncheck.Text(value)
		if !ok {
			in.refuse(fieldOf(name, string(header)), "must be a string")
		}
		headers = append(headers, sender.Header{Name: string(header), Value: s})
		if len(headers) > sender.MaxHeaders {
			break // the rule on their number speaks for the rest
		}
	}
	return headers
}

// fieldOf names one header in an error, shortened where it is no name at all.
func fieldOf(field, header string) string {
	const long = 100
	if len(header) > long {
		header = strings.ToValidUTF8(header[:long], "") + "…"
	}
	return field + "." + header
}

// nameHeaders makes errors about headers[2] errors about the header's name: an
// object has no numbers.
func nameHeaders(err error, headers []sender.Header) error {
	if problem.CodeOf(err) != problem.Invalid {
		return err
	}
	p := *problem.From(err)
	p.Fields = append(problem.Fields(nil), p.Fields...)
	for i, f := range p.Fields {
		var at int
		if n, _ := fmt.Sscanf(f.Name, headersName+"[%d]", &at); n == 1 && at < len(headers) {
			p.Fields[i].Name = fieldOf(headersName, headers[at].Name)
		}
	}
	return &p
}

// masked stands for a header's value that the viewer may not see.
const masked = "••••"

// headersObject writes headers in the seed's form, in their order. Values are
// secrets as often as not: reading alone does not show them.
func headersObject(headers []sender.Header, show bool) json.RawMessage {
	b := []byte{'{'}
	for i, h := range headers {
		if i > 0 {
			b = append(b, ',')
		}
		if !show {
			h.Value = masked
		}
		b = appendText(append(appendText(b, h.Name), ':'), h.Value)
	}
	return append(b, '}')
}

func appendText(b []byte, s string) []byte {
	text := encoded(s)
	return append(b, text[:len(text)-1]...) // without the line break
}
