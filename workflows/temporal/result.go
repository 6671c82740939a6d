package temporal

import "datapusher/workflows"

// Outcome says why a run no longer looks after a delivery.
type Outcome string

// The outcomes of a delivery in a run.
const (
	Settled   Outcome = "settled"   // there is nothing more to do
	Dropped   Outcome = "dropped"   // the run was told to forget it
	Moved     Outcome = "moved"     // it belongs to another run by now
	Abandoned Outcome = "abandoned" // someone ended its activity by hand; the reconciler hands it over again
)

// Result is what a run's workflow ends with: the story that Temporal's UI shows.
type Result struct {
	Deliveries []Delivery     `json:"deliveries"`
	More       map[string]int `json:"more,omitempty"` // how many did not fit in the list, by status
}

// Delivery is how a run left a delivery.
type Delivery struct {
	ID       string  `json:"delivery"`
	Outcome  Outcome `json:"outcome"`
	Status   string  `json:"status,omitempty"`
	Result   string  `json:"result,omitempty"`
	Attempts int     `json:"attempts,omitempty"`
	Millis   int64   `json:"ms,omitempty"`
}

// maxListed bounds a result to some 250 kB, which is where Temporal begins to
// complain; it refuses 2 MiB.
const maxListed = 2000

func (r *Result) add(d Delivery) {
	if len(r.Deliveries) < maxListed {
		r.Deliveries = append(r.Deliveries, d)
		return
	}
	if r.More == nil {
		r.More = map[string]int{}
	}
	status := d.Status
	if status == "" {
		status = string(d.Outcome)
	}
	r.More[status]++
}

func settled(o workflows.Outcome) Delivery {
	return Delivery{
		ID: o.DeliveryID, Outcome: Settled,
		Status: o.Status, Result: o.Result, Attempts: o.Attempts, Millis: o.Millis,
	}
}

// firstResult is what First has to tell the workflow. It is as small as it can
// be, since every run's history carries it.
type firstResult struct {
	Result
	Unsettled []unsettledDelivery `json:"unsettled,omitempty"`
	// Indexed: the namespace has our search attributes. It stands here, and thus
	// in the history, because a workflow may not ask: a replay elsewhere could
	// get another answer.
	Indexed bool `json:"indexed,omitempty"`
}

type unsettledDelivery struct {
	ID            string `json:"delivery"`
	AccountID     string `json:"account"`
	DestinationID string `json:"destination"`
	Label         string `json:"label"`
}

func newFirstResult(outcomes []workflows.Outcome, indexed bool) firstResult {
	result := firstResult{Indexed: indexed}
	seen := make(map[string]bool, len(outcomes))
	for _, o := range outcomes {
		// An activity's id must be there, and be unique among the pending ones.
		if o.DeliveryID == "" || seen[o.DeliveryID] {
			continue
		}
		seen[o.DeliveryID] = true
		if o.State == workflows.Settled {
			result.add(settled(o))
			continue
		}
		result.Unsettled = append(result.Unsettled, unsettledDelivery{
			ID: o.DeliveryID, AccountID: o.AccountID, DestinationID: o.DestinationID,
			Label: clip(oneLine(o.Label), maxSummary),
		})
	}
	return result
}

// stepResult is what Step has to tell the loop's workflow.
type stepResult struct {
	Again int64 `json:"again_ms,omitempty"`
	Done  bool  `json:"done,omitempty"`
}
