package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"datapusher/graph"
)

// Each operation is one of the schema that is published, and so is each column.
func TestOperationsFitTheSchema(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graph.SDL()})
	for _, document := range []string{
		viewerQuery,
		accountList, tokenList, destinationList, eventList, deliveryList, replayList,
		accountGet, tokenGet, destinationGet, eventGet, deliveryGet, replayGet,
		createAccount, updateAccount, deleteAccount, createToken, rotateToken, revokeToken,
		createDestination, updateDestination, deleteDestination, rotateSigningSecret, pauseDestination, resumeDestination,
		sendTestEvent, previewDelivery, retryDelivery, cancelDelivery, postponeDelivery,
		replayEvent, replayEvents, pauseReplay, resumeReplay, cancelReplay,
		tailEvents, tailDeliveries,
	} {
		_, err := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules())
		require.Empty(t, err, document)
	}
}
