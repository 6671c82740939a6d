package embedded

import "go.temporal.io/server/common/config"

// writes and reads are what a server asks its store for while it serves. Of a write
// that fails the server cannot know whether it took effect; here half of them have.
var (
	writes = map[config.DataStoreName][]string{
		config.ExecutionStoreName: {
			"CreateWorkflowExecution", "UpdateWorkflowExecution", "AppendHistoryNodes", "AddHistoryTasks", "RangeCompleteHistoryTasks",
			"DeleteWorkflowExecution", "DeleteCurrentWorkflowExecution", "DeleteHistoryBranch",
		},
		config.TaskStoreName:  {"CreateTasks", "UpdateTaskQueue", "CompleteTasksLessThan"},
		config.ShardStoreName: {"UpdateShard"},
	}
	reads = map[config.DataStoreName][]string{
		config.ExecutionStoreName: {"GetWorkflowExecution", "GetCurrentExecution", "ReadHistoryBranch", "GetHistoryTasks"},
		config.TaskStoreName:      {"GetTasks", "GetTaskQueue"},
	}
)

// faultInjection makes a share of what the server asks its store for fail, by the
// server's own means; nil for none.
func faultInjection(rate float64) *config.FaultInjection {
	if rate <= 0 {
		return nil
	}
	f := &config.FaultInjection{}
	for store, methods := range writes {
		for _, method := range methods {
			f = f.WithError(store, method, "Timeout", rate/2).WithError(store, method, "ExecuteAndTimeout", rate/2)
		}
	}
	for store, methods := range reads {
		for _, method := range methods {
			f = f.WithError(store, method, "Timeout", rate/2).WithError(store, method, "Unavailable", rate/2)
		}
	}
	return f
}
