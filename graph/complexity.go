package graph

import (
	"context"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"datapusher/internal/problem"
)

// maxValues is how many values an operation may ask for, if every list is as long
// as its page. The schema's descriptions tell it.
const maxValues = 100_000

// maxEventValues is the same for each event of a subscription: they come often.
const maxEventValues = 1000

// What a field counts, with all that is in it, that may be long (the answer is made
// in memory) or that takes the database a while.
var weights = map[string]int{
	"Event.payload":        100,
	"Attempt.responseBody": 10, "Attempt.responseBodyBase64": 10,
	"Attempt.requestHeaders": 10, "Attempt.responseHeaders": 10,
	"Action.before": 10, "Action.after": 10,
	"DestinationHealth.recentSuccessRate": 500, "DestinationHealth.parkedCount": 100,
	"Replay.report": 100,
}

// How many items a list has at most that is no connection.
var lengths = map[string]int{
	"Delivery.timeline": 2*maxEntries + 3, "DestinationHealth.timeline": maxEntries + 2,
	"Statistics.buckets": 500, "Statistics.results": 50, "Statistics.attemptDurations": 40, "Statistics.deliveryDurations": 40,
	"Statistics.troubledDestinations": maxTroubled, "System.processes": 100,
}

// What looking a field up costs beside what is in it: rows that are read to make
// few values.
var lookups = map[string]int{
	"Query.statistics": 2000, "Statistics.troubledDestinations": 2000, "Query.backlog": 2000, "System.backlog": 2000,
	"System.database": 100, "System.engine": 100,
}

// costed is a schema whose lists cost what they may return.
type costed struct{ graphql.ExecutableSchema }

// Complexity implements graphql.ExecutableSchema: a list costs its items times
// what each of them costs.
func (costed) Complexity(_ context.Context, typeName, field string, child int, args map[string]any) (int, bool) {
	items := lengths[typeName+"."+field]
	for _, name := range []string{firstArg, lastArg} {
		if n, ok := number(args[name]); ok && args[name] != nil {
			items = n
		}
	}
	if ids, ok := args["ids"].([]any); ok && typeName == "Query" && field == "nodes" {
		items = max(len(ids), 1)
	}
	lookup, looks := lookups[typeName+"."+field]
	if items == 0 && looks {
		return 1 + lookup + child, true
	}
	if items == 0 {
		weight, heavy := weights[typeName+"."+field]
		return weight, heavy
	}
	return 1 + lookup + items*min(child, maxValues+1), true // items are bounded: no overflow
}

// costs refuses an operation that asks for too many values.
type costs struct{ schema graphql.ExecutableSchema }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = costs{}

// ExtensionName implements graphql.HandlerExtension.
func (costs) ExtensionName() string { return "Costs" }

// Validate implements graphql.HandlerExtension.
func (costs) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. It comes
// after [pages]: by then every list has its size.
func (c costs) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	most := maxValues
	if op.Operation.Operation == ast.Subscription {
		most = maxEventValues
	}
	if complexity.Calculate(ctx, c.schema, op.Operation, op.Variables) > most {
		return gqlerror.Wrap(problem.New(problem.Invalid,
			"the operation asks for more than %d values: make its pages smaller with first, or ask in several operations", most))
	}
	return nil
}
