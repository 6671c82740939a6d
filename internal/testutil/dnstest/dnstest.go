// Package dnstest is a name server for tests. It lives in the process, so a test
// can let a name change between two questions, lie, or never answer.
package dnstest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Record is one answer: an address, or the name that it is another name of.
type Record struct {
	Name  string // whose; "" is the name that was asked for
	CNAME string
	Addr  netip.Addr
}

// Answer gives the records for a question: a name in lower case without its last
// dot. None says that there is no such name. Of the addresses the client is told
// those of the family that it asked for. It may block: then the server stalls.
type Answer func(name string) []Record

// Addresses are the records of a name with those addresses.
func Addresses(list ...string) []Record {
	records := make([]Record, len(list))
	for i, a := range list {
		records[i].Addr = netip.MustParseAddr(a)
	}
	return records
}

// Chain are the records of a name that is another name of the first, and so on,
// the last of which has those addresses: what a recursive name server answers.
func Chain(names []string, list ...string) []Record {
	var records []Record
	last := ""
	for _, name := range names {
		records = append(records, Record{Name: last, CNAME: name})
		last = name
	}
	for _, r := range Addresses(list...) {
		r.Name = last
		records = append(records, r)
	}
	return records
}

// Resolver asks the answer, and no name server.
func Resolver(answer Answer) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(server, answer)
		return client, nil
	}}
}

// Listen answers at a loopback address, over TCP, for resolvers of other processes.
// Close ends it.
func Listen(answer Answer) (address string, closeAll func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, answer)
		}
	}()
	return l.Addr().String(), func() { _ = l.Close() }, nil
}

func serve(c net.Conn, answer Answer) {
	defer func() { _ = c.Close() }()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, raw); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(raw) != nil || len(m.Questions) != 1 {
			return
		}
		reply(&m, answer)
		out, err := m.AppendPack(make([]byte, 2))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(out, uint16(len(out)-2))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// reply makes a question its answer.
func reply(m *dnsmessage.Message, answer Answer) {
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	records := answer(strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")))
	if len(records) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, r := range records {
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type}
		if r.Name != "" {
			h.Name = dnsmessage.MustNewName(r.Name + ".")
		}
		var body dnsmessage.ResourceBody
		switch {
		case r.CNAME != "":
			h.Type = dnsmessage.TypeCNAME
			body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(r.CNAME + ".")}
		case r.Addr.Is4() && q.Type == dnsmessage.TypeA:
			body = &dnsmessage.AResource{A: r.Addr.As4()}
		case r.Addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			body = &dnsmessage.AAAAResource{AAAA: r.Addr.As16()}
		default:
			continue
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: body})
	}
}
