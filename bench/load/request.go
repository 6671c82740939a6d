package load

import (
	"fmt"
	"net/url"
	"strings"

	"datapusher/bench/load/ledger"
)

// request is a connection's request, which is patched for each event. The head
// stands right before the body, so a head of another length leaves the body
// where it is.
type request struct {
	heads    [][]byte // of each account
	account  int      // whose head stands there
	b        []byte
	from     int // where the head begins
	body     int
	payloads []int // where the stamps are
	size     int
	direct   bool
}

const idHeader = "webhook-id: "

// heads builds what comes before the body, for each account.
func heads(o *Options, door string) [][]byte {
	u, _ := url.Parse(door) // Options.complete has
	length := o.Size
	if o.Batch > 0 {
		length = o.Batch*(o.Size+1) + 1
	}
	all := make([][]byte, len(o.Accounts))
	for i, a := range o.Accounts {
		var b strings.Builder
		fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", u.RequestURI(), u.Host, length)
		if a.Token != "" {
			fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", a.Token)
		}
		for _, l := range o.Headers {
			b.WriteString(l + "\r\n")
		}
		if o.Direct { // last, so that its place is known
			b.WriteString(idHeader + ledger.ID{}.String() + "\r\n")
		}
		b.WriteString("\r\n")
		all[i] = []byte(b.String())
	}
	return all
}

func newRequest(o *Options, heads [][]byte) *request {
	r := &request{heads: heads, account: -1, size: o.Size, direct: o.Direct}
	for _, h := range heads {
		r.body = max(r.body, len(h))
	}
	r.b = make([]byte, r.body, r.body+o.events()*(o.Size+1)+1)
	for i := range o.events() {
		switch {
		case o.Batch > 0 && i == 0:
			r.b = append(r.b, '[')
		case i > 0:
			r.b = append(r.b, ',')
		}
		r.payloads = append(r.payloads, len(r.b))
		r.b = ledger.AppendPayload(r.b, o.Size)
	}
	if o.Batch > 0 {
		r.b = append(r.b, ']')
	}
	return r
}

// of is the request of an account, with events numbered from first, at a time in
// nanoseconds since 1970. It is valid until the next.
func (r *request) of(account int, first uint64, at int64) []byte {
	if account != r.account {
		h := r.heads[account]
		r.from = r.body - len(h)
		copy(r.b[r.from:], h)
		r.account = account
	}
	if r.direct {
		ledger.NumberedID(first).Put(r.b[r.body-len("\r\n\r\n")-ledger.IDLength:])
	}
	for i, p := range r.payloads {
		ledger.Stamp(r.b[p:p+r.size], first+uint64(i), at)
	}
	return r.b[r.from:]
}
