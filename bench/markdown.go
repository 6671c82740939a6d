package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// printMarkdown prints the tables as docs/PERFORMANCE.md has them.
func (r *Report) printMarkdown() {
	bare, same := r.row("bare"), r.row("pgbench")
	fmt.Println("\n| workload | accepted/s | delivered/s | of bare | of pgbench | p50 | p95 | p99 | max | CPU s/1,000 | MB |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	watched := false
	for _, one := range r.Rows {
		out := one.EndToEnd["ok"]
		fmt.Printf("| %s: %s | %s | %s | %s | %s | %s | %s | %s | %s | %.3f | %s |\n", one.Name, one.What, thousands(one.AcceptedPS), thousands(one.Delivered),
			ratio(one.AcceptedPS, bare), ratio(one.AcceptedPS, same), ms(out.P50), ms(out.P95), ms(out.P99), ms(out.Max), one.cpu(), one.memory())
		watched = watched || len(one.Watched) > 0
	}
	if !watched {
		return
	}
	fmt.Println("\n| workload | field | subscriptions | each heard | skipped | lag p50, ms | p95 | p99 | max |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, one := range r.Rows {
		for _, field := range slices.Sorted(maps.Keys(one.Watched)) {
			h := one.Watched[field]
			n := int64(h.Subscriptions)
			fmt.Printf("| %s | %s | %d | %.1f | %.1f | %s | %s | %s | %s |\n", one.Name, field, n, float64(h.Messages)/float64(n), float64(h.Skipped)/float64(n),
				ms(h.Lag.P50), ms(h.Lag.P95), ms(h.Lag.P99), ms(h.Lag.Max))
		}
	}
}

// thousands writes a number as people read it: 12,345.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
