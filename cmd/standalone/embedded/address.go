package embedded

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
)

// addresses are what the four services listen on, all of them known before
// anything starts: the services find each other by a fixed list.
type addresses struct {
	frontend string // as asked for, its port filled in
	others   map[primitives.ServiceName]string
}

var internalServices = []primitives.ServiceName{
	primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
}

func chooseAddresses(ctx context.Context, listen string) (addresses, error) {
	frontend, err := freeAddress(ctx, listen)
	if err != nil {
		return addresses{}, err
	}
	a := addresses{frontend: frontend, others: map[primitives.ServiceName]string{}}
	for _, service := range internalServices {
		if a.others[service], err = freeAddress(ctx, "127.0.0.1:0"); err != nil {
			return addresses{}, err
		}
	}
	return a, nil
}

// freeAddress is an address, as IP and port, that can be listened on now. The
// server opens its listeners itself and ends the process where it cannot, so
// that is found out here.
func freeAddress(ctx context.Context, address string) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	if _, port, err := net.SplitHostPort(address); err != nil {
		return "", err
	} else if port == "0" {
		if err := keepPort(ctx, listener); err != nil {
			return "", fmt.Errorf("keep a free port: %w", err)
		}
	}
	return listener.Addr().String(), nil
}

// keepPort makes sure that the system gives this port to nobody else who asks
// for a free one between the listener's end and the server's start. A port with
// a connection that its server's side closed first is not given away for about
// a minute, yet it can be listened on by name.
func keepPort(ctx context.Context, listener net.Listener) error {
	client, err := new(net.Dialer).DialContext(ctx, "tcp", reachable(listener.Addr().String()))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	server, err := listener.Accept()
	if err != nil {
		return err
	}
	return server.Close()
}

// all of the services' addresses.
func (a addresses) all() []string {
	return append(slices.Sorted(maps.Values(a.others)), a.frontend)
}

// client is the frontend's address for those who connect to it from here.
func (a addresses) client() string { return reachable(a.frontend) }

// reachable turns an address that means "every interface" into one that can be dialed.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	switch ip := net.ParseIP(host); {
	case ip == nil || !ip.IsUnspecified():
		return address
	case ip.To4() != nil:
		return net.JoinHostPort("127.0.0.1", port)
	default:
		return net.JoinHostPort("::1", port)
	}
}

func (a addresses) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{primitives.FrontendService: static.SingleLocalHost(a.client())}
	for service, address := range a.others {
		hosts[service] = static.SingleLocalHost(address)
	}
	return hosts
}

// split gives IP and port of an address that [freeAddress] made.
func split(address string) (ip string, port int) {
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	if port, err = strconv.Atoi(p); err != nil {
		panic(err)
	}
	return host, port
}
