package temporal

import (
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// upsertAttributes makes a run findable by what it has not settled: in the UI's
// list, DestinationIds = "dst_…" shows what waits for a destination. A settled
// delivery's run is found through its row.
func upsertAttributes(ctx workflow.Context, deliveries []unsettledDelivery) {
	var accounts, destinations, ids keywords
	for _, d := range deliveries {
		accounts.add(d.AccountID)
		destinations.add(d.DestinationID)
		ids.add(d.ID)
	}
	var updates []sdk.SearchAttributeUpdate
	for _, attribute := range []struct {
		name string
		keywords
	}{
		{attributeAccounts, accounts},
		{attributeDestinations, destinations},
		{attributeDeliveries, ids},
	} {
		if len(attribute.list) > 0 {
			updates = append(updates, sdk.NewSearchAttributeKeyKeywordList(attribute.name).ValueSet(attribute.list))
		}
	}
	if len(updates) == 0 {
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		// It only fails on what cannot be encoded, and ids can. A run goes on
		// without being findable.
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}

// keywords collects what fits in one search attribute, each once.
type keywords struct {
	list []string
	seen map[string]bool
	size int
}

func (k *keywords) add(word string) {
	if word == "" || k.seen[word] {
		return
	}
	if k.seen == nil {
		k.seen, k.size = map[string]bool{}, len(`[]`)
	}
	size := k.size + jsonSize(word)
	if len(k.list) > 0 {
		size += len(`,`)
	}
	if size > maxAttribute {
		return
	}
	k.list, k.size = append(k.list, word), size
	k.seen[word] = true
}
