package temporaltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	commandpb "go.temporal.io/api/command/v1"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// probe finds out whether a new namespace is usable. The frontend, history and
// matching services each keep what they know of namespaces for a while, so asking
// one of them says nothing about the others. A workflow that sets the search
// attributes and is then found by them has gone through all of them.
type probe struct {
	connection *grpc.ClientConn
	service    workflowservice.WorkflowServiceClient
	namespace  string
}

const (
	probeName = "probe"
	again     = 10 * time.Millisecond // between two questions
)

func (p probe) run(ctx context.Context) error {
	// The frontend first: it is the one that is likely to lag.
	if err := p.until(ctx, found(), 0); err != nil {
		return err
	}
	for {
		run, err := p.workflow(ctx)
		if err == nil {
			err = p.until(ctx, found(), 1)
		}
		if run == "" || ctx.Err() != nil {
			return err
		}
		if gone := p.remove(ctx, run); err == nil {
			return gone
		}
	}
}

// workflow runs a workflow that sets the search attributes and completes.
func (p probe) workflow(ctx context.Context) (run string, err error) {
	queue := &taskqueuepb.TaskQueue{Name: probeName}
	started, err := p.service.StartWorkflowExecution(ctx, &workflowservice.StartWorkflowExecutionRequest{
		Namespace: p.namespace, WorkflowId: probeName, RequestId: probeName + time.Now().String(),
		WorkflowType: &commonpb.WorkflowType{Name: probeName}, TaskQueue: queue,
	})
	if err != nil {
		return "", fmt.Errorf("start a workflow: %w", err)
	}
	run = started.GetRunId()
	task, err := p.service.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{Namespace: p.namespace, TaskQueue: queue})
	if err != nil {
		return run, fmt.Errorf("poll for its task: %w", err)
	}
	value := &commonpb.Payload{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")},
		Data:     []byte(`["` + probeName + `"]`),
	}
	fields := map[string]*commonpb.Payload{}
	for _, a := range attributes {
		fields[a] = value
	}
	_, err = p.service.RespondWorkflowTaskCompleted(ctx, &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: p.namespace, TaskToken: task.GetTaskToken(),
		Commands: []*commandpb.Command{{
			CommandType: enumspb.COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
			Attributes: &commandpb.Command_UpsertWorkflowSearchAttributesCommandAttributes{
				UpsertWorkflowSearchAttributesCommandAttributes: &commandpb.UpsertWorkflowSearchAttributesCommandAttributes{
					SearchAttributes: &commonpb.SearchAttributes{IndexedFields: fields},
				},
			},
		}, {
			CommandType: enumspb.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
			Attributes: &commandpb.Command_CompleteWorkflowExecutionCommandAttributes{
				CompleteWorkflowExecutionCommandAttributes: &commandpb.CompleteWorkflowExecutionCommandAttributes{},
			},
		}},
	})
	return run, err
}

// forceDelete is the operator's way to delete a workflow at once; the way for
// everybody waits for up to half a minute. Its request and the latter's are the
// same bytes, so nothing of the server has to be imported for it.
const forceDelete = "/temporal.server.api.adminservice.v1.AdminService/DeleteWorkflowExecution"

// remove deletes the workflow, running or not, and waits until it cannot be found.
func (p probe) remove(ctx context.Context, run string) error {
	request := &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: p.namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: probeName, RunId: run},
	}
	if err := p.connection.Invoke(ctx, forceDelete, request, new(emptypb.Empty)); err != nil {
		return fmt.Errorf("delete the workflow: %w", err)
	}
	return p.until(ctx, anything, 0)
}

// anything finds every workflow.
const anything = ""

// found finds the completed workflows that have set the search attributes.
func found() string {
	terms := []string{"ExecutionStatus = 'Completed'"}
	for _, a := range attributes {
		terms = append(terms, a+" = '"+probeName+"'")
	}
	return strings.Join(terms, " AND ")
}

// until waits until the query finds that many workflows.
func (p probe) until(ctx context.Context, query string, n int64) error {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		answer, err := p.service.CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: p.namespace, Query: query})
		if err == nil && answer.GetCount() == n {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("found %d workflows, not %d: %w", answer.GetCount(), n, ctx.Err()), err)
		}
	}
}
