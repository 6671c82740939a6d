package main

import (
	"entgo.io/ent/entc/gen"
	"entgo.io/ent/schema"
	"github.com/vektah/gqlparser/v2/ast"
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
