import type { ReactNode } from "react";
import { Histogram } from "../charts/histogram";
import { Legend, TimeChart } from "../charts/time-chart";
import { Card, Skeleton } from "../ui/page";
import { percent, short } from "../ui/size";
import { span } from "../ui/time";
import { perMinute, timesOf, type Statistics } from "./traffic";

/** A rate for axes and figures. */
export function rate(n: number): string {
  if (n === 0) return "0";
  return n < 10 ? String(Number(n.toFixed(n < 1 ? 2 : 1))) : short(Math.round(n));
}

const blank = <div className="chart chart-blank" style={{ height: 176 }}><Skeleton height="100%" /></div>;

/** Events and deliveries over time. */
export function RateCard({ statistics, events = true }: { statistics: Statistics | undefined; events?: boolean }) {
  const made = statistics && perMinute(statistics, (f) => f.succeeded);
  const failed = statistics && perMinute(statistics, (f) => f.failedAttempts);
  const accepted = statistics && perMinute(statistics, (f) => f.events);
  const entries = [
    ...(events ? [{ name: "Events accepted", colour: "var(--series-1)", values: accepted ?? [] }] : []),
    { name: "Deliveries succeeded", colour: "var(--series-2)", values: made ?? [] },
    { name: "Attempts failed", colour: "var(--series-bad)", values: failed ?? [] },
  ];
  return (
    <Card title={events ? "Events and deliveries" : "Deliveries"} beside={<span className="muted small">per minute</span>} className="card-chart">
      {statistics ? (
        <TimeChart label="Events and deliveries per minute" times={timesOf(statistics)} series={entries} kind="lines" format={rate} />
      ) : (
        blank
      )}
      <Legend entries={entries} />
    </Card>
  );
}

/** How many attempts were accepted, over time. */
export function SuccessCard({ statistics }: { statistics: Statistics | undefined }) {
  const values = statistics?.buckets.map((bucket) => bucket.figures.successRate) ?? [];
  const entries = [{ name: "Attempts that were accepted", colour: "var(--series-2)", values }];
  return (
    <Card title="Success rate" beside={<span className="muted small">of attempts</span>} className="card-chart">
      {statistics ? (
        <TimeChart label="Share of attempts that were accepted" times={timesOf(statistics)} series={entries} kind="lines" format={axisPercent} most={1} />
      ) : (
        blank
      )}
      <Legend entries={[{ name: entries[0]!.name, colour: entries[0]!.colour, value: statistics?.totals.successRate == null ? undefined : percent(statistics.totals.successRate) }]} />
    </Card>
  );
}

const axisPercent = (share: number) => `${Number((share * 100).toFixed(1))} %`;

/** How long attempts took, over time. */
export function LatencyCard({ statistics }: { statistics: Statistics | undefined }) {
  const of = (key: "p50Ms" | "p95Ms" | "p99Ms") => statistics?.buckets.map((bucket) => bucket.figures.attemptDuration?.[key] ?? null) ?? [];
  const totals = statistics?.totals.attemptDuration;
  const series = [
    { name: "p50", colour: "var(--series-2)", values: of("p50Ms"), value: totals && span(totals.p50Ms) },
    { name: "p95", colour: "var(--series-1)", values: of("p95Ms"), value: totals && span(totals.p95Ms) },
    { name: "p99", colour: "var(--series-3)", values: of("p99Ms"), value: totals && span(totals.p99Ms) },
  ];
  return (
    <Card title="Latency of attempts" beside={<span className="muted small">until the answer's end</span>} className="card-chart">
      {statistics ? (
        <TimeChart label="Latency of attempts" times={timesOf(statistics)} series={series} kind="lines" format={span} />
      ) : (
        blank
      )}
      <Legend entries={series.map(({ name, colour, value }) => ({ name, colour, value: value ?? undefined }))} />
    </Card>
  );
}

/** How attempts ended. */
export function ResultsCard({ statistics, none }: { statistics: Statistics | undefined; none: ReactNode }) {
  const bins = (statistics?.results ?? []).slice(0, 8).map(({ status, errorClass, count }) => ({
    name: status == null ? (errorClass ?? "no answer") : String(status),
    value: count,
    colour: status == null || status >= 500 ? "var(--series-bad)" : status >= 300 ? "var(--series-warn)" : "var(--series-2)",
  }));
  return (
    <Card title="Answers" beside={<span className="muted small">of attempts</span>}>
      {statistics && bins.length === 0 ? none : <Histogram label="How attempts ended" bins={bins} />}
    </Card>
  );
}

/** How long attempts took. */
export function DurationsCard({ statistics, none }: { statistics: Statistics | undefined; none: ReactNode }) {
  const bins = joined(statistics?.attemptDurations ?? []).map(({ fromMs, toMs, count }) => ({
    name: `${span(fromMs)} – ${span(toMs)}`,
    value: count,
    colour: "var(--series-1)",
  }));
  return (
    <Card title="Time of attempts" beside={<span className="muted small">that were answered</span>}>
      {statistics && bins.length === 0 ? none : <Histogram label="How long attempts took" bins={bins} />}
    </Card>
  );
}

/** At most eight ranges: neighbours are put together. */
function joined(ranges: Statistics["attemptDurations"]): { fromMs: number; toMs: number; count: number }[] {
  const step = Math.ceil(ranges.length / 8);
  const all = [];
  for (let i = 0; i < ranges.length; i += step) {
    const group = ranges.slice(i, i + step);
    all.push({ fromMs: group[0]!.fromMs, toMs: group.at(-1)!.toMs, count: group.reduce((sum, range) => sum + range.count, 0) });
  }
  return all;
}
