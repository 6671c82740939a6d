package database

import (
	"net"
	"net/url"
	"strings"
)

// Peers are host:port of the servers that a database URL names, as lib/pq reads
// it; none for SQLite and for sockets in the file system.
func Peers(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil
	}
	hosts, port := u.Hostname(), u.Port()
	if given := u.Query().Get("host"); given != "" {
		hosts = given
	}
	if given := u.Query().Get("port"); given != "" {
		port = given
	}
	if port == "" {
		port = "5432"
	}
	if hosts == "" {
		hosts = "localhost"
	}
	ports := strings.Split(port, ",")
	var peers []string
	for i, host := range strings.Split(hosts, ",") {
		if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
			continue
		}
		peers = append(peers, net.JoinHostPort(host, ports[min(i, len(ports)-1)]))
	}
	return peers
}
