package httpapi

import (
	"net/http"
	"net/netip"
)

// clientAddress is the IP address that a request came from, as text: IPv4 also
// where it came as IPv6, and without a zone. "" where the listener knows none.
func clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return peer.Addr().Unmap().WithZone("").String()
}
