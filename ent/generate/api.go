package main

import (
	"fmt"

	"entgo.io/ent/entc/gen"
	"entgo.io/ent/schema"
	"github.com/vektah/gqlparser/v2/ast"

	"datapusher/ent/keyed"
)

// mayBeGone makes every edge to one other row nullable in the API. The row may
// be soft-deleted or dropped with an old partition: that is null, no error.
func mayBeGone(g *gen.Graph, s *ast.Schema) error {
	for _, n := range g.Nodes {
		for _, e := range n.Edges {
			t := s.Types[n.Name]
			if t == nil || !e.Unique {
				continue
			}
			f := t.Fields.ForName(e.Name)
			f.Type.NonNull = false
			f.Description = "Null when it has been deleted."
		}
	}
	return nil
}

// lineage makes the event that another one replays an edge in the API. It is none
// in the database: the original may be gone.
func lineage(_ *gen.Graph, s *ast.Schema) error {
	f := s.Types["Event"].Fields.ForName("replayOf")
	f.Type = ast.NamedType("Event", nil)
	f.Description = "The event that this one replays; null when there is none, or when it is gone."
	return nil
}

// networks spells allowCIDRs as it is spelled everywhere else, and has no null
// beside the empty list.
func networks(_ *gen.Graph, s *ast.Schema) error {
	f := s.Types["Account"].Fields.ForName("allowCidrs")
	f.Name, f.Type = "allowCIDRs", ast.NonNullListType(ast.NonNullNamedType("String", nil), nil)
	return nil
}

// counted says how far totals are counted: see ent/keyed.
func counted(_ *gen.Graph, s *ast.Schema) error {
	text := func(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
	for _, t := range s.Types {
		if f := t.Fields.ForName("totalCount"); f != nil {
			f.Description = fmt.Sprintf("How many there are, counted up to %s, in a list within a list up to %s: that many stands for more, too.",
				text(keyed.MaxCount), text(keyed.MaxCountEach))
		}
	}
	return nil
}

// values says what the values of enums mean: ent knows no comments on them.
var values = map[string]map[string]string{
	"DeliveryStatus": {
		"PENDING":    "Accepted; no attempt has begun.",
		"DELIVERING": "An attempt is under way.",
		"RETRYING":   "An attempt has failed; the next one is due at nextAttemptAt.",
		"PARKED":     "Waits until its destination takes deliveries again; nothing is lost.",
		"SUCCEEDED":  "The destination has answered with 2xx.",
		"FAILED":     "Given up; the reason says why.",
		"CANCELED":   "Nobody wants it any more.",
	},
	"DestinationState": {
		"SENDING":  "Deliveries go out.",
		"PAUSED":   "Its owner has paused it.",
		"OPEN":     "It has failed too often: only probes go out, until one succeeds.",
		"DISABLED": "Switched off, by its owner or because nothing succeeded for long.",
	},
	"DestinationSigningAlgorithm": {
		"HMAC_SHA256": "v1 of Standard Webhooks: the receiver verifies with the secret that signs.",
		"ED25519":     "v1a of Standard Webhooks: the receiver verifies with a public key.",
	},
	"AttemptAskedBy": {
		"SCHEDULE": "The destination's retry schedule, the first attempt included.",
		"OPERATOR": "retryDelivery or sendTestEvent.",
		"REPLAY":   "A replay: its first attempt.",
		"PROBE":    "The breaker, to see whether the destination is back.",
	},
	"ReplayStatus": {
		"RUNNING":   "Events go out.",
		"PAUSED":    "It goes on when somebody resumes it.",
		"CANCELED":  "Somebody has ended it.",
		"COMPLETED": "Every event that matched has had its turn.",
	},
	"ActionKind": {
		"RETRY":    "retryDelivery.",
		"CANCEL":   "cancelDelivery or cancelReplay.",
		"POSTPONE": "postponeDelivery.",
		"PAUSE":    "pauseDestination or pauseReplay.",
		"RESUME":   "resumeDestination, enabling, resumeReplay, or the end of a pause.",
		"DISABLE":  "A destination was disabled: by its owner, by an answer of 410, or after days of failures.",
		"OPEN":     "The breaker stopped a destination's deliveries.",
		"CLOSE":    "The breaker let them go on.",
		"REPLAY":   "replayEvent (of the event) or replayEvents (of the replay).",
		"TEST":     "sendTestEvent.",
		"DELETE":   "deleteDestination or deleteAccount.",
		"CREATE":   "createAccount, createDestination or createToken.",
		"UPDATE":   "updateAccount, setAccountEgress or updateDestination.",
		"REVOKE":   "revokeToken.",
		"ROTATE":   "rotateSecretToken, rotateToken or rotateSigningSecret.",
		"IMPORT":   "An account or a destination came from the seed system.",
		"SIGN_IN":  "An administrator signed in with a browser.",
		"SIGN_OUT": "And signed out.",
	},
}

// describe gives types and the values of enums their descriptions.
func describe(g *gen.Graph, s *ast.Schema) error {
	for _, n := range g.Nodes {
		comment, _ := n.Annotations[(*schema.CommentAnnotation)(nil).Name()].(map[string]any)
		if t := s.Types[n.Name]; t != nil && comment != nil {
			t.Description, _ = comment["Text"].(string)
		}
	}
	for name, meanings := range values {
		for _, v := range s.Types[name].EnumValues {
			v.Description = meanings[v.Name]
		}
	}
	return nil
}
