package temporal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TEMPORARY stand-in for internal/testutil/temporaltest.
type server struct{ Address string }

var counter atomic.Int64
var keep any

var startOnce = sync.OnceValue(func() string {
	cmd := exec.Command("/tmp/h/temporalserver")
	keep, _ = cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	cmd.Stderr, _ = os.Create("/tmp/h/server.log")
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		panic(err)
	}
	var a struct{ Address string }
	_ = json.Unmarshal(line, &a)
	return a.Address
})

func startServer(t *testing.T, store string) *server {
	if store == "postgres" {
		t.Skip("stand-in")
	}
	return &server{startOnce()}
}

func (s *server) Namespace(t *testing.T) string {
	name := fmt.Sprintf("ns-%d", counter.Add(1))
	c, err := client.NewNamespaceClient(client.Options{HostPort: s.Address})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Register(context.Background(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour)}))
	return name
}
