import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Check, CircleCheck } from "lucide-react";
import { ask, nodes } from "../api/queries";
import { request } from "../api/request";
import { BeginningsDocument, FailingDocument, TroubleDocument } from "../gql/graphql";
import type { Period } from "../router";
import { useViewer } from "../shell/viewer";
import { StateBadge } from "../ui/badge";
import { ButtonLink } from "../ui/button";
import { Moment } from "../ui/moment";
import { Card, Empty, Failed, Page, Tile } from "../ui/page";
import { reasonGiven } from "../ui/reasons";
import { Segments } from "../ui/segments";
import { count, percent } from "../ui/size";
import { span } from "../ui/time";
import { SendSnippet } from "./send-snippet";
import { beginning, lastInWords, perMinute, periodNames, useBacklog, useStatistics } from "./traffic";
import { LatencyCard, rate, RateCard, ResultsCard, SuccessCard } from "./traffic-cards";

/** How everything is doing, in one look. */
export function Overview() {
  const { period = "1h" } = useSearch({ from: "/inside/" });
  const navigate = useNavigate({ from: "/" });
  const { isAdmin, account } = useViewer();
  const { data, error, refetch } = useStatistics({}, period);
  const backlog = useBacklog({}).data;
  const totals = data?.totals;
  const newest = data && perMinute(data, (f) => f.events).at(-1);
  return (
    <Page
      title={isAdmin ? "Overview" : (account?.name ?? "Overview")}
      beside={<span className="muted small">{lastInWords[period]}</span>}
      actions={<Segments label="Period" value={period} values={periodNames} onChange={(period) => void navigate({ search: { period: period === "1h" ? undefined : period }, replace: true })} />}
    >
      <Beginnings />
      {error && !data && <Failed error={error} retry={() => void refetch()} />}
      <dl className="tiles">
        <Tile name="Events accepted" value={totals ? count(totals.events) : "–"} about={newest !== undefined && `${rate(newest)} a minute of late`} />
        <Tile name="Deliveries succeeded" value={totals ? count(totals.succeeded) : "–"} about={totals && `${count(totals.failed)} failed for good`} />
        <Tile name="Success rate" value={totals?.successRate == null ? "–" : percent(totals.successRate)} about="of attempts" />
        <Tile name="Latency p95" value={totals?.attemptDuration ? span(totals.attemptDuration.p95Ms) : "–"} about={totals?.attemptDuration && `p99 ${span(totals.attemptDuration.p99Ms)}`} />
        <Tile
          name="Event to delivery p95"
          value={totals?.deliveryDuration ? span(totals.deliveryDuration.p95Ms) : "–"}
          about={totals?.deliveryDuration && `p50 ${span(totals.deliveryDuration.p50Ms)}`}
        />
        <Tile
          name="Backlog"
          value={backlog ? count(backlog.pending + backlog.retrying + backlog.parked) : "–"}
          about={backlog && `${count(backlog.retrying)} retrying, ${count(backlog.parked)} parked`}
          tone={backlog && backlog.parked > 0 ? "warn" : undefined}
        />
      </dl>
      <div className="columns">
        <RateCard statistics={data} />
        <SuccessCard statistics={data} />
        <LatencyCard statistics={data} />
        <ResultsCard statistics={data} none={<p className="muted">No attempt was made in {lastInWords[period]}.</p>} />
      </div>
      <Trouble />
      <Failing period={period} />
    </Page>
  );
}

function Trouble() {
  const { isAdmin } = useViewer();
  const { data, error } = useQuery({
    ...ask(["destinations", "trouble"], TroubleDocument, { where: { stateNEQ: "SENDING" } }),
    refetchInterval: 5_000,
  });
  const all = nodes(data?.destinations);
  const more = (data?.destinations.totalCount ?? 0) > all.length;
  return (
    <Card
      title="Destinations that do not send"
      beside={data && <span className="count">{count(data.destinations.totalCount, 10_000)}</span>}
      actions={more && <ButtonLink to="/destinations" search={{ state: "NOT_SENDING" }}>Show all</ButtonLink>}
      flush={all.length > 0}
    >
      {error && !data && <Failed error={error} />}
      {data && all.length === 0 && (
        <Empty icon={CircleCheck} title="Every destination sends">
          One that fails too often, is paused or disabled is shown here, with what waits for it.
        </Empty>
      )}
      {all.length > 0 && (
        <ul className="rows">
          {all.map((d) => (
            <li key={d.id}>
              <Link to="/destinations/$destinationID" params={{ destinationID: d.id }} className="row-link">
                <span className="two">
                  <b className="strong">{d.name ?? d.url}</b>
                  <span className="muted">{isAdmin && d.account ? d.account.name : d.url}</span>
                </span>
              </Link>
              <StateBadge state={d.state} />
              <span className="muted rows-wide">{reasonGiven(d.reason)}</span>
              <span className="rows-end">
                <b className="strong">{count(d.health.parkedCount)}</b> <span className="muted">parked</span>
              </span>
              <span className="rows-end rows-wide">
                <span className="muted">for </span>
                <Moment at={d.health.since} as="age" />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** The destinations at which the most attempts failed. */
function Failing({ period }: { period: Period }) {
  const { isAdmin } = useViewer();
  const { data } = useQuery({
    queryKey: ["statistics", "failing", period],
    queryFn: ({ signal }) => request(FailingDocument, { from: beginning(period) }, signal),
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
  const all = data?.statistics.troubledDestinations ?? [];
  if (all.length === 0) return null;
  return (
    <Card title="Most failed attempts" beside={<span className="muted small">in {lastInWords[period]}</span>} flush>
      <ul className="rows">
        {all.map(({ destinationID, destination: d, figures }) => (
          <li key={destinationID}>
            {d ? (
              <Link to="/destinations/$destinationID" params={{ destinationID }} className="row-link">
                <span className="two">
                  <b className="strong">{d.name ?? d.url}</b>
                  <span className="muted">{isAdmin && d.account ? d.account.name : d.url}</span>
                </span>
              </Link>
            ) : (
              <span className="muted">A destination that was deleted</span>
            )}
            {d ? <StateBadge state={d.state} /> : <span />}
            <span className="rows-wide">
              <Meter share={figures.successRate ?? 0} label="Success rate" />
            </span>
            <span className="rows-end">
              <b className="strong">{count(figures.failedAttempts)}</b> <span className="muted">failed</span>
            </span>
            <span className="rows-end rows-wide muted">of {count(figures.attempts)} attempts</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** A share as a bar with its figure. */
function Meter({ share, label }: { share: number; label: string }) {
  return (
    <span className="meter">
      <span className="meter-track" aria-hidden>
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className="hidden">{label} </span>
      {percent(share)}
    </span>
  );
}

/** The first steps, until they are done. */
function Beginnings() {
  const { isAdmin, accountID } = useViewer();
  const { data } = useQuery({ ...ask(["beginnings"], BeginningsDocument, {}), refetchInterval: (query) => (query.state.data?.events.totalCount ? false : 5_000) });
  if (!data || data.events.totalCount > 0) return null;
  const account = data.accounts.totalCount > 0;
  const destination = data.destinations.totalCount > 0;
  const steps = [
    ...(isAdmin ? [{ done: account, text: "Make an account", link: <ButtonLink to="/accounts" search={{ create: true }} kind="primary">New account</ButtonLink> }] : []),
    {
      done: destination,
      text: "Give it a destination: a URL of yours that takes the events",
      link: accountID ? <ButtonLink to="/destinations" kind="primary">Destinations</ButtonLink> : <ButtonLink to="/accounts" kind="primary">Choose the account</ButtonLink>,
    },
    { done: false, text: "Send the first event, with a token of the account", link: <SendSnippet /> },
  ];
  const next = steps.findIndex((step) => !step.done);
  return (
    <Card title="First steps">
      <ol className="steps">
        {steps.map((step, i) => (
          <li key={step.text} className={step.done ? "step-done" : undefined}>
            <span className="step-mark">{step.done ? <Check aria-label="Done" /> : i + 1}</span>
            <span>{step.text}</span>
            {i === next && step.link}
          </li>
        ))}
      </ol>
    </Card>
  );
}
