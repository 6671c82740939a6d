package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"datapusher/bench/load/ledger"
	"datapusher/bench/sink"
	"datapusher/bench/watch"
)

// Report is what a run of the command found.
type Report struct {
	Machine string `json:"machine"`
	Rows    []Row  `json:"rows"`
}

// Row is one workload's figures.
type Row struct {
	Name, What string
	Accepted   int64   `json:"accepted_events"`
	Shed       int64   `json:"shed_requests,omitempty"` // 503
	RetryAfter int64   `json:"shed_with_retry_after,omitempty"`
	Failed     int64   `json:"failed_requests,omitempty"`
	AcceptedPS float64 `json:"accepted_per_second"`
	Delivered  float64 `json:"delivered_per_second"` // to all destinations that answer, while events came in
	Backlog    int64   `json:"backlog"`              // deliveries, when the last event was accepted
	Drain      float64 `json:"drain_seconds"`        // from then on

	Ingest   map[string]ledger.Summary `json:"ingest,omitempty"`
	EndToEnd map[string]ledger.Summary `json:"end_to_end,omitempty"` // from the sender's start to the receiver, by kind of destination

	CPU          map[string]float64 `json:"cpu_seconds_per_1000_events,omitempty"`
	Memory       map[string]int64   `json:"peak_memory_bytes,omitempty"`
	RowsPerEvent float64            `json:"rows_per_event,omitempty"`
	WAL          float64            `json:"wal_bytes_per_event,omitempty"`
	Workflows    float64            `json:"workflows_per_1000_events,omitempty"`
	Jobs         float64            `json:"jobs_per_1000_events,omitempty"` // River's, a run each

	Watched map[string]*watch.Heard `json:"watched,omitempty"` // by field of GraphQL's Subscription

	Check *sink.Verdict `json:"conservation,omitempty"`
}

// Conserved reports whether each accepted event arrived once at each destination
// that answers.
func (r *Row) Conserved() bool {
	return r.Check == nil || r.Check.Missing == 0 && r.Check.Duplicates == 0 && r.Check.Unexpected == 0
}

// cpu is that of all processes, in seconds per 1,000 events.
func (r *Row) cpu() (sum float64) {
	for _, c := range r.CPU {
		sum += c
	}
	return sum
}

func (r *Row) print() {
	fmt.Printf("\n%s: %s\n", r.Name, r.What)
	fmt.Printf("  accepted %.0f/s, delivered %.0f/s", r.AcceptedPS, r.Delivered)
	if r.Backlog > 0 || r.Drain > 0 {
		fmt.Printf("; %d behind at the end, all there after %.2f s", r.Backlog, r.Drain)
	}
	fmt.Println()
	if r.Shed > 0 || r.Failed > 0 {
		fmt.Printf("  503: %d (%d with Retry-After), failed: %d\n", r.Shed, r.RetryAfter, r.Failed)
	}
	for _, side := range []struct {
		name string
		by   map[string]ledger.Summary
	}{{"ingest", r.Ingest}, {"end to end", r.EndToEnd}} {
		for _, name := range slices.Sorted(maps.Keys(side.by)) {
			if s := side.by[name]; s.Count > 0 {
				fmt.Printf("  %-10s %-8s p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms\n", side.name, name, s.P50, s.P95, s.P99, s.Max)
			}
		}
	}
	if len(r.CPU) > 0 {
		fmt.Printf("  CPU s per 1,000 events: %.3f", r.cpu())
		for _, name := range slices.Sorted(maps.Keys(r.CPU)) {
			fmt.Printf(" · %s %.3f", name, r.CPU[name])
		}
		fmt.Println()
	}
	if len(r.Memory) > 0 {
		fmt.Print("  peak memory, MB:")
		for _, name := range slices.Sorted(maps.Keys(r.Memory)) {
			fmt.Printf(" · %s %d", name, r.Memory[name]>>20)
		}
		fmt.Println()
	}
	if r.WAL > 0 {
		fmt.Printf("  per event: %.2f rows, %.0f bytes of WAL; %.2f workflows and %.2f jobs per 1,000\n", r.RowsPerEvent, r.WAL, r.Workflows, r.Jobs)
	}
	for _, field := range slices.Sorted(maps.Keys(r.Watched)) {
		h := r.Watched[field]
		n := int64(h.Subscriptions)
		fmt.Printf("  %d × %s: each of %d events heard %.1f and skipped %.1f; lag p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms\n", n, field,
			r.Accepted, float64(h.Messages)/float64(n), float64(h.Skipped)/float64(n), h.Lag.P50, h.Lag.P95, h.Lag.P99, h.Lag.Max)
		if h.Ended > 0 {
			fmt.Printf("    %d ended: %s\n", h.Ended, h.FirstEnd)
		}
	}
	if c := r.Check; c != nil {
		fmt.Printf("  conservation: %d accepted, %d missing, %d duplicates, %d unexpected", c.Accepted, c.Missing, c.Duplicates, c.Unexpected)
		if c.Uncertain > 0 {
			fmt.Printf(", %d of lost answers", c.Uncertain)
		}
		fmt.Println()
		for _, e := range c.Examples {
			fmt.Println("   ", e)
		}
	}
}

// printBenchmark prints the row as benchstat reads it. What has "/ends" or
// "/server" is a ratio within the run, which does not change with the machine's
// speed: all CPU against that of generator and receiver, and Postgres's against
// that of "serve --worker".
func (r *Row) printBenchmark() {
	fmt.Printf("Benchmark/workload=%s 1 %.0f accepted/s %.0f delivered/s %.4f cpu-s/1000 %.3f ms-e2e-p50 %.3f ms-e2e-p99",
		r.Name, r.AcceptedPS, r.Delivered, r.cpu(), r.EndToEnd["all"].P50, r.EndToEnd["all"].P99)
	if ends := r.CPU["generator"] + r.CPU["receiver"]; ends > 0 {
		fmt.Printf(" %.3f cpu/ends", r.cpu()/ends)
	}
	if server, postgres := r.CPU["serve --worker"], r.CPU["postgres: datapusher"]; server > 0 {
		fmt.Printf(" %.4f postgres/server", postgres/server)
	}
	for _, field := range slices.Sorted(maps.Keys(r.Watched)) {
		h := r.Watched[field]
		fmt.Printf(" %.3f ms-lag-p50-%s %.3f ms-lag-p99-%s", h.Lag.P50, field, h.Lag.P99, field)
	}
	fmt.Println()
}

func (r *Report) describeMachine() {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	r.Machine = fmt.Sprintf("%d × %s, %s", runtime.NumCPU(), model, runtime.Version())
}

// print prints the table.
func (r *Report) print() {
	bare, same := r.row("bare"), r.row("pgbench")
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\taccepted/s\tdelivered/s\tof bare\tof pgbench\tingest p50\tp99\tend to end p50\tp95\tp99\tmax\tCPU s/1,000\tMB\tlost\ttwice\t")
	for _, one := range r.Rows {
		in, out := one.Ingest["all"], one.EndToEnd["ok"]
		lost, twice := "", ""
		if c := one.Check; c != nil {
			lost, twice = strconv.FormatInt(c.Missing, 10), strconv.FormatInt(c.Duplicates+c.Unexpected, 10)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", one.Name, one.AcceptedPS, one.Delivered,
			ratio(one.AcceptedPS, bare), ratio(one.AcceptedPS, same), ms(in.P50), ms(in.P99), ms(out.P50), ms(out.P95), ms(out.P99), ms(out.Max),
			number(one.cpu(), "%.3f"), one.memory(), lost, twice)
	}
	_ = w.Flush()
	fmt.Println("Times are milliseconds. MB is the peak of Data Pusher's own process.")
	r.ratios()
}

// memory is the peak of Data Pusher's own process, in MB.
func (r *Row) memory() string {
	for _, name := range []string{"serve --worker", "serve", "standalone"} {
		if m := r.Memory[name]; m > 0 {
			return strconv.FormatInt(m>>20, 10)
		}
	}
	return ""
}

func (r *Report) row(name string) *Row {
	for i := range r.Rows {
		if r.Rows[i].Name == name {
			return &r.Rows[i]
		}
	}
	return nil
}

func ratio(value float64, base *Row) string {
	if base == nil || base.AcceptedPS == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", value/base.AcceptedPS)
}

func ms(v float64) string { return number(v, "%.1f") }

func number(v float64, format string) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// ratios are the comparisons that stand in the goals.
func (r *Report) ratios() {
	for _, c := range []struct {
		what, row, base string
		of              func(*Row) float64
	}{
		{"delivered, against one workflow per event", "one", "one-naive", func(r *Row) float64 { return r.Delivered }},
		{"accepted, Temporal stopped against running", "one-stopped", "one", func(r *Row) float64 { return r.AcceptedPS }},
		{"accepted, River against Temporal", "one-river", "one", func(r *Row) float64 { return r.AcceptedPS }},
		{"cost per event, River against Temporal", "one-river", "one", (*Row).cpu},
		{"delivered to five, River against Temporal", "five-river", "five", func(r *Row) float64 { return r.Delivered }},
		{"cost per event at 100 a second, River against Temporal", "light-river", "light", (*Row).cpu},
		{"accepted, with 200 subscriptions against none", "one-subscribers", "one", func(r *Row) float64 { return r.AcceptedPS }},
		{"accepted, with 200 subscriptions to accounts of their own against none", "accounts-subscribers", "accounts", func(r *Row) float64 { return r.AcceptedPS }},
		{"cost per event at 100 a second, with 200 subscriptions against none", "light-subscribers", "light", (*Row).cpu},
		{"p99 of those that are well, beside a dead and a slow one", "mixed", "healthy", func(r *Row) float64 { return r.EndToEnd["ok"].P99 }},
		{"p99 of others, beside one at ten times its share", "unfair", "fair", func(r *Row) float64 { return r.EndToEnd["ok"].P99 }},
		{"cost per event, a million events in the tables", "history", "empty", (*Row).cpu},
		{"cost per event, ten million events in the tables", "history-full", "empty", (*Row).cpu},
	} {
		row, base := r.row(c.row), r.row(c.base)
		if row == nil || base == nil || c.of(base) == 0 {
			continue
		}
		fmt.Printf("%s: %.2f\n", c.what, c.of(row)/c.of(base))
	}
}
