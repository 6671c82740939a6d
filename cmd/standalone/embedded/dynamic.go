package embedded

import "go.temporal.io/server/common/dynamicconfig"

// unlimited is a rate per second that no single machine reaches. (Zero would
// mean the default in some places and "nothing at all" in others.)
const unlimited = 1_000_000

// dynamicConfig is what a dynamic configuration file would say. A server that
// serves one product on one machine is bounded by the machine: its rate limits,
// which keep the tenants of a cluster apart, would only turn load into errors.
var dynamicConfig = dynamicconfig.StaticClient{
	dynamicconfig.FrontendRPS.Key():                                                        unlimited,
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():                                 unlimited,
	dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key():                       unlimited,
	dynamicconfig.FrontendNamespaceReplicationInducingAPIsRPS.Key():                        unlimited,
	dynamicconfig.FrontendMaxNamespaceNamespaceReplicationInducingAPIsRPSPerInstance.Key(): unlimited,
	dynamicconfig.MatchingRPS.Key():                                                        unlimited,
	dynamicconfig.HistoryRPS.Key():                                                         unlimited,

	dynamicconfig.FrontendPersistenceMaxQPS.Key():        unlimited,
	dynamicconfig.MatchingPersistenceMaxQPS.Key():        unlimited,
	dynamicconfig.HistoryPersistenceMaxQPS.Key():         unlimited,
	dynamicconfig.WorkerPersistenceMaxQPS.Key():          unlimited,
	dynamicconfig.VisibilityPersistenceMaxReadQPS.Key():  unlimited,
	dynamicconfig.VisibilityPersistenceMaxWriteQPS.Key(): unlimited,

	// How often a shard looks for new tasks. The default of 20 a second makes a
	// task wait for up to 50 ms as soon as a few workflows run at once.
	dynamicconfig.TransferProcessorMaxPollRPS.Key():   1000,
	dynamicconfig.TimerProcessorMaxPollRPS.Key():      1000,
	dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 200,

	// Partitions spread a task queue over machines. On one machine they only
	// mean that a task and a poller can miss each other.
	dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

	// The product is built on both; a change of the defaults must not switch them off.
	dynamicconfig.EnableEagerWorkflowStart.Key():     true,
	dynamicconfig.EnableActivityEagerExecution.Key(): true,

	// A poll of a worker that stops must not be given a task: nobody would do it
	// until it times out.
	dynamicconfig.EnableCancelWorkerPollsOnShutdown.Key(): true,

	// The only thing that a server reports to the outside.
	dynamicconfig.EnableServerVersionCheck.Key(): false,
}
