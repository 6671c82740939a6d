package app

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"

	"go.temporal.io/sdk/client"

	"datapusher/internal/database"
	"datapusher/internal/failpoint"
	"datapusher/internal/sender"
)

// openEgress makes the sender, and tells its guard where this system itself is
// reached, as far as the configuration says. What is listened on at a port that
// the system chooses is told when it is known, by listenOn.
func (b *base) openEgress(o Options) error {
	allowed, err := sender.ParseCIDRs(b.config.AllowCIDRs)
	if err != nil {
		return fmt.Errorf("--allow-cidrs: %w", err)
	}
	nat64, err := sender.ParseNAT64(b.config.NAT64Prefixes)
	if err != nil {
		return fmt.Errorf("--nat64-prefixes: %w", err)
	}
	b.own = new(sender.Own)
	if err := b.ownListeners(o); err != nil {
		return err
	}
	if err := b.ownPeers(o); err != nil {
		return err
	}
	b.sender = sender.New(sender.Options{
		AllowCIDRs: allowed, NAT64: nat64, Own: b.own, UserAgent: "datapusher/" + Version, Now: now, Resolver: failpoint.Resolver(),
	})
	b.onClose(b.sender.Close)
	return nil
}

// ownListeners are those of this process and, for a worker, that of the API
// which may be on the same machine.
func (b *base) ownListeners(o Options) error {
	for _, address := range append([]string{b.config.Listen, b.config.MetricsListen, b.config.ProfileListen}, o.Own...) {
		if address == "" {
			continue
		}
		if err := b.own.Listener(address); err != nil {
			return fmt.Errorf("an address to listen on: %w", err)
		}
	}
	return nil
}

// ownPeers are the database and Temporal.
func (b *base) ownPeers(o Options) error {
	temporal, err := temporalOptions(o)
	if err != nil {
		return err
	}
	target := cmp.Or(temporal.HostPort, client.DefaultHostPort)
	target = target[strings.LastIndex(target, "/")+1:] // gRPC takes dns:///host:port, too
	if _, _, err := net.SplitHostPort(target); err != nil {
		target = net.JoinHostPort(target, "443") // as gRPC has it
	}
	for _, address := range append(database.Peers(b.config.DatabaseURL), target) {
		if err := b.own.Peer(address); err != nil {
			return fmt.Errorf("the address of Postgres or Temporal: %w", err)
		}
	}
	return nil
}

// listenOn listens, and keeps deliveries away from it.
func (b *base) listenOn(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return l, b.own.Listener(l.Addr().String())
}
