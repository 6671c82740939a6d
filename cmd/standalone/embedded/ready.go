package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const (
	patience  = time.Minute           // for a server to get ready
	heartbeat = 10 * time.Millisecond // between two questions
)

// ready waits until the server answers a question that goes through the
// frontend and the history service to the store. The services start one by one
// and take over their shards in the background.
func ready(ctx context.Context, address, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	client := workflowservice.NewWorkflowServiceClient(connection)
	again := time.NewTicker(heartbeat)
	defer again.Stop()
	for {
		_, err := client.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: namespace,
			Execution: &commonpb.WorkflowExecution{WorkflowId: "no such workflow"},
		}, grpc.WaitForReady(true))
		if _, unknown := errors.AsType[*serviceerror.NotFound](serviceerror.FromStatus(status.Convert(err))); unknown {
			return nil
		}
		if code := status.Code(err); code == codes.PermissionDenied || code == codes.InvalidArgument {
			return err // it will not change its mind
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
