package wire

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
)

// Answer is an answer that is ready to be written. It is not changed, so any
// number of connections may give the same.
type Answer struct {
	keep, closing form
}

// form is an answer with and without its body, which HEAD does not get.
type form struct {
	whole []byte
	head  int
}

// NewAnswer builds an answer. A header is a line such as "Retry-After: 1".
func NewAnswer(status int, body []byte, headers ...string) *Answer {
	build := func(more ...string) form {
		var b bytes.Buffer
		b.WriteString("HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n")
		for _, l := range slices.Concat(headers, more) {
			b.WriteString(l + "\r\n")
		}
		if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
			b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
		}
		b.WriteString("\r\n")
		f := form{head: b.Len()}
		b.Write(body)
		f.whole = b.Bytes()
		return f
	}
	return &Answer{keep: build(), closing: build("Connection: close")}
}

func (a *Answer) bytes(closing, headOnly bool) []byte {
	f := a.keep
	if closing {
		f = a.closing
	}
	if headOnly {
		return f.whole[:f.head]
	}
	return f.whole
}
