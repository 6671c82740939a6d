package temporaltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// attributes are the search attributes that delivery workflows set, all of them
// of the type KeywordList.
var attributes = []string{"AccountIds", "DestinationIds", "DeliveryIds"}

// retention is the shortest that every server takes.
const retention = 24 * time.Hour

// Namespace registers a namespace for this test, with the search attributes of
// deliveries, and waits until every part of the server knows both. That takes
// up to three seconds: the server looks for changes every other second.
// The namespace stays as long as the server; nothing is in it.
func (s *Server) Namespace(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	name := namespaceName(t.Name())
	if err := s.register(ctx, name); err != nil {
		t.Fatalf("register a namespace at Temporal: %v", err)
	}
	if err := (probe{s.connection, s.service(), name}).run(ctx); err != nil {
		t.Fatalf("the namespace %s does not become usable: %v", name, err)
	}
	return name
}

func (s *Server) register(ctx context.Context, name string) error {
	if _, err := s.service().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        name,
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	}); err != nil {
		return err
	}
	types := map[string]enumspb.IndexedValueType{}
	for _, a := range attributes {
		types[a] = enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST
	}
	_, err := operatorservice.NewOperatorServiceClient(s.connection).AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: name, SearchAttributes: types,
	})
	return err
}

var unusual = regexp.MustCompile(`[^a-z0-9]+`)

// namespaceName tells whose namespace it is, and is unique among all processes
// that share the server.
func namespaceName(of string) string {
	of = strings.Trim(unusual.ReplaceAllString(strings.ToLower(of), "-"), "-")
	return fmt.Sprintf("%.60s-%s", of, strings.ToLower(rand.Text()[:10]))
}
