import { useState } from "react";
import type { Period } from "../router";
import { Failed, Tile } from "../ui/page";
import { Segments } from "../ui/segments";
import { count, percent } from "../ui/size";
import { span } from "../ui/time";
import { lastInWords, periodNames, useBacklog, useStatistics } from "./traffic";
import { LatencyCard, RateCard, ResultsCard, SuccessCard } from "./traffic-cards";

/** What an account has sent and got. */
export function Usage({ accountID }: { accountID: string }) {
  const [period, setPeriod] = useState<Period>("24h");
  const { data, error, refetch } = useStatistics({ accountID }, period);
  const backlog = useBacklog({ accountID }).data;
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />;
  const totals = data?.totals;
  return (
    <>
      <div className="above-table">
        <p className="muted">What happened in {lastInWords[period]}.</p>
        <Segments label="Period" value={period} values={periodNames} onChange={setPeriod} />
      </div>
      <dl className="tiles">
        <Tile name="Events accepted" value={totals ? count(totals.events) : "–"} />
        <Tile name="Deliveries succeeded" value={totals ? count(totals.succeeded) : "–"} />
        <Tile name="Deliveries failed" value={totals ? count(totals.failed) : "–"} tone={totals?.failed ? "bad" : undefined} />
        <Tile name="Success rate" value={totals?.successRate == null ? "–" : percent(totals.successRate)} />
        <Tile name="Latency p95" value={totals?.attemptDuration ? span(totals.attemptDuration.p95Ms) : "–"} />
        <Tile name="Waits" value={backlog ? count(backlog.pending + backlog.retrying + backlog.parked) : "–"} about={backlog && `${count(backlog.parked)} parked`} />
      </dl>
      <div className="columns">
        <RateCard statistics={data} />
        <SuccessCard statistics={data} />
        <LatencyCard statistics={data} />
        <ResultsCard statistics={data} none={<p className="muted">No attempt was made.</p>} />
      </div>
    </>
  );
}
