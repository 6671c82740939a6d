package temporal_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"datapusher/internal/testutil/temporaltest"
	"datapusher/workflows"
	"datapusher/workflows/temporal"
)

// A namespace where the attributes cannot be had is one without them: the
// engine says so once, and works.
func TestNamespaceWithoutSearchAttributes(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	withdraw(t, c, namespace)
	_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace:        namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{"DeliveryIds": enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	})
	require.NoError(t, err)

	log := &buffer{}
	var attempts int
	engine := temporal.New(temporal.Options{
		Client: c, Namespace: namespace, Logger: slog.New(slog.NewTextHandler(log, nil)), Now: laterEachTime(),
		Core: core{
			first: func(string) ([]workflows.Outcome, error) {
				return []workflows.Outcome{retrying("dlv_1", 1, time.Millisecond)}, nil
			},
			attempt: func(_, id string) (workflows.Outcome, error) {
				attempts++
				return succeeded(id, 2), nil
			},
		},
	})
	require.NoError(t, engine.Prepare(t.Context()))
	require.NoError(t, engine.Prepare(t.Context()))
	work(t, engine)
	require.Len(t, complete(t, engine, c, "event/1").Deliveries, 1)
	require.Equal(t, 1, attempts)
	require.Empty(t, upserted(t, c, "event/1"))
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log)
	require.Contains(t, log.String(), "keyword list")
}

// Prepare adds what is missing, and may be called by any number of processes at once.
func TestPrepareAddsSearchAttributes(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	withdraw(t, c, namespace)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			log := &buffer{}
			engine := temporal.New(temporal.Options{Client: c, Namespace: namespace, Logger: slog.New(slog.NewTextHandler(log, nil))})
			for range 2 {
				if err := engine.Prepare(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if log.String() != "" {
				t.Error(log)
			}
		})
	}
	all.Wait()
	found, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	require.NoError(t, err)
	for _, name := range []string{"AccountIds", "DestinationIds", "DeliveryIds"} {
		require.Equal(t, enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST, found.GetCustomAttributes()[name])
	}
}

// Who may not even ask works without them, too.
func TestPrepareWithoutRights(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	log := &buffer{}
	engine := temporal.New(temporal.Options{
		Client: answering(t, server, namespace, "ListSearchAttributes", codes.PermissionDenied), Namespace: namespace,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, engine.Prepare(t.Context()))
	require.NoError(t, engine.Prepare(t.Context()))
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log)

	away := temporal.New(temporal.Options{
		Client: answering(t, server, namespace, "ListSearchAttributes", codes.Unavailable), Namespace: namespace, Logger: quiet,
	})
	require.Error(t, away.Prepare(t.Context()), "that says nothing about rights")
}

// Whoever was faster has added the same ones.
func TestPrepareYieldsToOthers(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	withdraw(t, dial(t, server, namespace), namespace)
	log := &buffer{}
	engine := temporal.New(temporal.Options{
		Client: answering(t, server, namespace, "AddSearchAttributes", codes.AlreadyExists), Namespace: namespace,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, engine.Prepare(t.Context()))
	require.Empty(t, log.String())
}

// answering is a client whose server does what a method asks for, but then
// answers with an error.
func answering(t *testing.T, server *temporaltest.Server, namespace, method string, code codes.Code) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: server.Address, Namespace: namespace, Logger: temporal.Logger(quiet),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(
			func(ctx context.Context, name string, request, reply any, conn *grpc.ClientConn,
				next grpc.UnaryInvoker, options ...grpc.CallOption,
			) error {
				err := next(ctx, name, request, reply, conn, options...)
				if err == nil && strings.HasSuffix(name, "/"+method) {
					return status.Error(code, "as the test says")
				}
				return err
			})}},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// New attributes are left alone for a while: a part of the server that does not
// know them yet would refuse the workflow task.
func TestNewSearchAttributesAreGivenTime(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.SQLite)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	withdraw(t, c, namespace)
	engine := work(t, engineOn(c, namespace, core{
		first: func(string) ([]workflows.Outcome, error) {
			return []workflows.Outcome{retrying("dlv_1", 1, time.Millisecond)}, nil
		},
		attempt: func(_, id string) (workflows.Outcome, error) { return succeeded(id, 2), nil },
	}))
	complete(t, engine, c, "event/1")
	require.Empty(t, upserted(t, c, "event/1"))
}

func withdraw(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	_, err := c.OperatorService().RemoveSearchAttributes(t.Context(), &operatorservice.RemoveSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: []string{"AccountIds", "DestinationIds", "DeliveryIds"},
	})
	if err != nil {
		require.ErrorContains(t, err, "AccountIds") // it has none
	}
}

// laterEachTime is a clock on which every look is a minute after the last.
func laterEachTime() func() time.Time {
	var mu sync.Mutex
	now := time.Now()
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Minute)
		return now
	}
}

// upserted are the search attributes that a workflow has set.
func upserted(t *testing.T, c client.Client, run string) map[string]*commonpb.Payload {
	t.Helper()
	for _, event := range history(t, c, run, "").Events {
		if set := event.GetUpsertWorkflowSearchAttributesEventAttributes(); set != nil {
			return set.GetSearchAttributes().GetIndexedFields()
		}
	}
	return nil
}

func countRequest(namespace, query string) *workflowservice.CountWorkflowExecutionsRequest {
	return &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query}
}

// payloads are the data of all the payloads in a message, as they are: JSON
// shows them in base64.
func payloads(message protoreflect.Message) (found [][]byte) {
	if payload, ok := message.Interface().(*commonpb.Payload); ok {
		return [][]byte{payload.GetData()}
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() == nil {
			return true
		}
		switch {
		case field.IsList():
			for i := range value.List().Len() {
				found = append(found, payloads(value.List().Get(i).Message())...)
			}
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					found = append(found, payloads(v.Message())...)
					return true
				})
			}
		default:
			found = append(found, payloads(value.Message())...)
		}
		return true
	})
	return found
}

// buffer is a log that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
