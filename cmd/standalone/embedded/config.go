package embedded

import (
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/primitives"
)

// clusterName is written into the store, so it never changes.
const clusterName = "active"

// serverConfig is what a configuration file would say. That share of what the
// server asks its store for fails.
func serverConfig(a addresses, s store, faults float64) *config.Config {
	c := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "default",
			VisibilityStore:  "visibility",
			NumHistoryShards: s.shards(),
			DataStores: map[string]config.DataStore{
				"default":    {SQL: s.main(), FaultInjection: faultInjection(faults)},
				"visibility": {SQL: s.visibility()},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: a.client()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(a.frontend),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{
			Archival: config.ArchivalNamespaceDefaults{
				History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
				Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
			},
		},
		// The server's own workers are clients of the frontend too.
		PublicClient: config.PublicClient{HostPort: a.client()},
	}
	for name, address := range a.others {
		c.Services[string(name)] = service(address)
	}
	return c
}

func service(address string) config.Service {
	ip, port := split(address)
	return config.Service{RPC: config.RPC{BindOnIP: ip, GRPCPort: port}}
}
