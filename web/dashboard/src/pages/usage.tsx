import { useNavigate, useSearch } from "@tanstack/react-router";
import { Failed, Tile } from "../ui/page";
import { Segments } from "../ui/segments";
import { count, percent } from "../ui/size";
import { span } from "../ui/time";
import { lastInWords, periodNames, useBacklog, useStatistics } from "./traffic";
import { LatencyCard, RateCard, ResultsCard, SuccessCard } from "./traffic-cards";

/** What an account has sent and got. */
export function Usage({ accountID }: { accountID: string }) {
  const { period = "24h" } = useSearch({ from: "/inside/accounts/$accountID" });
  const navigate = useNavigate({ from: "/accounts/$accountID" });
  const { data, error, refetch } = useStatistics({ accountID }, period);
  const backlog = useBacklog({ accountID }).data;
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />;
  const totals = data?.totals;
  return (
    <>
      <div className="above-table">
        <p className="muted">What happened in {lastInWords[period]}.</p>
        <Segments
          label="Period" value={period} values={periodNames}
          onChange={(period) => void navigate({ search: (before) => ({ ...before, period: period === "24h" ? undefined : period }), replace: true, resetScroll: false })}
        />
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
