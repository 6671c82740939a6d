package httpapi

import (
	"net/http"
	"net/netip"
)

// clientAddress is the IP address that a request comes from; "" where it has none.
func clientAddress(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return from.Addr().Unmap().WithZone("").String()
}
