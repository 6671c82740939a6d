import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { CirclePause, CirclePlay, Eye, Inbox, KeyRound, Pencil, ScrollText, SendHorizontal, Trash2, Zap } from "lucide-react";
import { useState } from "react";
import { usePages } from "../api/pages";
import { ask } from "../api/queries";
import { useSubscription } from "../api/socket";
import {
  DeliveriesUpdatedDocument, DestinationDeliveriesDocument, DestinationDocument, DestinationHealthDocument,
  type DeliveryWhereInput, type DestinationDeliveriesQuery, type DestinationQuery,
} from "../gql/graphql";
import { useViewer } from "../shell/viewer";
import { deliveryStatuses, StateBadge, statusName, StatusBadge } from "../ui/badge";
import { Button } from "../ui/button";
import { ID, ShortID } from "../ui/copy";
import { Choice } from "../ui/filters";
import { Menu } from "../ui/menu";
import { Moment } from "../ui/moment";
import { Notice } from "../ui/notice";
import { Card, Empty, Fact, Facts, Page, Skeleton, Tile, type Crumb } from "../ui/page";
import { reasonGiven, reasonInWords } from "../ui/reasons";
import { Segments } from "../ui/segments";
import { count, percent } from "../ui/size";
import { Table, type Column } from "../ui/table";
import { durationInWords, span } from "../ui/time";
import { missing, unloaded } from "./missing";
import { Deleting, Pausing, Previewing, Resuming, Rotating, Testing } from "./destination-acts";
import { EditDestination } from "./destination-form";
import { HealthTimeline } from "./health-timeline";
import { periodNames, useStatistics } from "./traffic";
import { DurationsCard, LatencyCard, RateCard, ResultsCard } from "./traffic-cards";

export type DestinationDetails = NonNullable<DestinationQuery["destination"]>;

type Asking = "pause" | "resume" | "edit" | "delete" | "rotate" | "test" | "preview";

/** One destination: how it stands, what waits for it, what can be done. */
export function Destination() {
  const { destinationID } = useParams({ from: "/inside/destinations/$destinationID" });
  const { isAdmin, manages } = useViewer();
  const queries = useQueryClient();
  const navigate = useNavigate({ from: "/destinations/$destinationID" });
  const [asking, setAsking] = useState<Asking>();
  const { period = "1h" } = useSearch({ from: "/inside/destinations/$destinationID" });
  const query = useQuery({ ...ask(["destination", destinationID], DestinationDocument, { id: destinationID }), refetchInterval: 5_000 });
  const statistics = useStatistics({ destinationID }, period).data;
  const destination = query.data?.destination;
  const again = () => void queries.invalidateQueries({ queryKey: ["destination", destinationID] });
  useSubscription(DestinationHealthDocument, { destinationID }, { data: again, ready: again }, Boolean(destination));

  const crumbs: Crumb[] =
    isAdmin && destination?.account
      ? [{ label: destination.account.name, link: { to: "/accounts/$accountID", params: { accountID: destination.account.id } } }]
      : [{ label: "Destinations", link: { to: "/destinations" } }];
  if (query.data && !destination) return missing("destination", crumbs);
  if (query.error && !query.data) return unloaded("destination", crumbs, query);
  const health = destination?.health;
  const close = () => setAsking(undefined);
  const open = (what: Asking) => () => setAsking(what);
  return (
    <Page
      title={destination ? (destination.name ?? new URL(destination.url).host) : "Destination"}
      crumbs={crumbs}
      beside={destination && <StateBadge state={destination.state} />}
      about={
        <>
          <ID id={destinationID} what="the destination's id" />
          {destination ? (
            <code className="breakable">
              {destination.httpMethod} {destination.url}
            </code>
          ) : (
            <Skeleton width="20em" />
          )}
        </>
      }
      actions={
        manages && (
          <>
            <Button icon={SendHorizontal} disabled={!destination} onClick={open("test")}>
              Send test
            </Button>
            {destination && destination.state !== "SENDING" ? (
              <Button kind="primary" icon={CirclePlay} onClick={open("resume")}>
                Resume
              </Button>
            ) : (
              <Button icon={CirclePause} disabled={!destination} onClick={open("pause")}>
                Pause
              </Button>
            )}
            <Menu
              label="More actions"
              items={[
                { label: "Preview a request", icon: Eye, disabled: !destination, onSelect: open("preview") },
                { label: "Edit", icon: Pencil, disabled: !destination, onSelect: open("edit") },
                { label: "Rotate the signing secret", icon: KeyRound, disabled: !destination, onSelect: open("rotate") },
                ...(destination?.state === "OPEN" ? [{ label: "Pause", icon: CirclePause, onSelect: open("pause") }] : []),
                { label: "Its audit log", icon: ScrollText, onSelect: () => void navigate({ to: "/audit", search: { subject: destinationID } }) },
                { label: "Delete", icon: Trash2, danger: true, disabled: !destination, onSelect: open("delete") },
              ]}
            />
          </>
        )
      }
    >
      {destination && <Standing destination={destination} />}
      <dl className="tiles">
        <Tile
          name="Accepted of late"
          value={health ? (health.recentSuccessRate == null ? "–" : percent(health.recentSuccessRate)) : "–"}
          about="of its newest 100 deliveries"
          tone={health?.recentSuccessRate != null && health.recentSuccessRate < 0.9 ? "bad" : undefined}
        />
        <Tile name="Parked" value={health ? count(health.parkedCount) : "–"} about={health?.oldestParkedAt ? <>the first <Moment at={health.oldestParkedAt} as="relative" /></> : "nothing waits"} tone={health?.parkedCount ? "warn" : undefined} />
        <Tile name="Latency p95" value={statistics?.totals.attemptDuration ? span(statistics.totals.attemptDuration.p95Ms) : "–"} about={statistics?.totals.attemptDuration && `p99 ${span(statistics.totals.attemptDuration.p99Ms)}`} />
        <Tile name="Attempts" value={statistics ? count(statistics.totals.attempts) : "–"} about={statistics && `${count(statistics.totals.failedAttempts)} failed`} />
      </dl>
      <Card title="Health" beside={destination && health && <span className="muted small">{stateFor[destination.state]} <Moment at={health.since} as="age" /></span>}>
        <HealthTimeline destinationID={destinationID} />
      </Card>
      <div className="above-table">
        <h2 className="section-title">Traffic</h2>
        <Segments
          label="Period" value={period} values={periodNames}
          onChange={(period) => void navigate({ search: (before) => ({ ...before, period: period === "1h" ? undefined : period }), replace: true, resetScroll: false })}
        />
      </div>
      <div className="columns">
        <RateCard statistics={statistics} events={false} />
        <LatencyCard statistics={statistics} />
        <ResultsCard statistics={statistics} none={<p className="muted">No attempt was made.</p>} />
        <DurationsCard statistics={statistics} none={<p className="muted">No attempt was answered.</p>} />
      </div>
      <Deliveries destinationID={destinationID} />
      {destination && (
        <>
          <Card title="Settings" actions={manages && <Button icon={Pencil} onClick={open("edit")}>Edit</Button>}>
            <Facts>
              <Fact name="Retry schedule">
                <span className="mono">{destination.retrySchedule.map(durationInWords).join(", ")}</span>
              </Fact>
              <Fact name="Timeout of an attempt">{durationInWords(destination.timeout)}</Fact>
              <Fact name="Given up after">{destination.giveUpAfter ? durationInWords(destination.giveUpAfter) : "never"}</Fact>
              <Fact name="Signature">{destination.signingAlgorithm === "ED25519" ? "Ed25519" : "HMAC-SHA256"}, after Standard Webhooks</Fact>
              <Fact name="Headers of its own">
                {destination.headers.length ? (
                  <ul className="plain-list mono">
                    {destination.headers.map(({ name, value }, i) => (
                      <li key={i}>
                        {name}: <span className="muted">{value}</span>
                      </li>
                    ))}
                  </ul>
                ) : (
                  "none"
                )}
              </Fact>
              <Fact name="Created">
                <Moment at={destination.createdAt} as="full" />
              </Fact>
            </Facts>
          </Card>
          <Pausing open={asking === "pause"} onClose={close} destination={destination} />
          <Resuming open={asking === "resume"} onClose={close} destination={destination} />
          <Testing open={asking === "test"} onClose={close} destination={destination} />
          <Previewing open={asking === "preview"} onClose={close} destination={destination} />
          <Rotating open={asking === "rotate"} onClose={close} destination={destination} />
          <Deleting open={asking === "delete"} onClose={close} destination={destination} onDeleted={() => void navigate({ to: "/destinations" })} />
          {asking === "edit" && <EditDestination open onClose={close} destination={destination} />}
        </>
      )}
    </Page>
  );
}

const stateFor = { SENDING: "Sending for", PAUSED: "Paused for", OPEN: "Open for", DISABLED: "Disabled for" };

/** What stands in the way, and what goes on. */
function Standing({ destination }: { destination: DestinationDetails }) {
  const { state, reason, pausedUntil, health } = destination;
  const why = reasonGiven(reason);
  const because = why && `: ${why}`;
  const waits = `${count(health.parkedCount)} ${health.parkedCount === 1 ? "delivery waits" : "deliveries wait"}; nothing is lost.`;
  if (state === "OPEN") {
    return (
      <Notice kind="bad" standing>
        It keeps failing, so that only probes go out{because}. {waits}{" "}
        {health.nextProbeAt && (
          <>
            The next probe goes out <Moment at={health.nextProbeAt} as="relative" />.
          </>
        )}
      </Notice>
    );
  }
  if (state === "PAUSED") {
    return (
      <Notice kind="warn" standing>
        Paused{because}. {waits} {pausedUntil ? <>It goes on by itself <Moment at={pausedUntil} as="relative" />.</> : "It goes on when somebody resumes it."}
      </Notice>
    );
  }
  if (state === "DISABLED") {
    return (
      <Notice kind="warn" standing>
        Disabled{because}. {waits} It goes on when somebody resumes it.
      </Notice>
    );
  }
  if (health.draining || health.parkedCount > 0) {
    return <Notice standing>What was parked goes out in the order of acceptance, and new deliveries queue up behind it: {count(health.parkedCount)} to go.</Notice>;
  }
  if (health.failingSince) {
    return (
      <Notice kind="warn" standing>
        Nothing has succeeded since <Moment at={health.failingSince} />. After five deliveries in a row that fail, it is held and probed.
      </Notice>
    );
  }
  return null;
}

type Row = NonNullable<NonNullable<NonNullable<NonNullable<DestinationDeliveriesQuery["destination"]>["deliveries"]["edges"]>[number]>["node"]>;

const columns: Column<Row>[] = [
  { name: "Event", width: "minmax(0, 1.4fr)", leads: true, phone: "first", cell: (d) => (d.event?.eventType ? <b className="strong">{d.event.eventType}</b> : <span className="muted">no type</span>) },
  { name: "Id", width: "150px", phone: "second", cell: (d) => <ShortID id={d.id} /> },
  { name: "Status", width: "130px", phone: "first-end", cell: (d) => <StatusBadge status={d.status} /> },
  { name: "Reason", width: "minmax(0, 2fr)", cell: (d) => <span className="muted">{reasonInWords(d.reason)}</span> },
  { name: "Attempts", width: "80px", align: "end", cell: (d) => d.attemptCount },
  { name: "Accepted", width: "190px", align: "end", phone: "second-end", cell: (d) => <Moment at={d.createdAt} /> },
];

function Deliveries({ destinationID }: { destinationID: string }) {
  const { status } = useSearch({ from: "/inside/destinations/$destinationID" });
  const navigate = useNavigate({ from: "/destinations/$destinationID" });
  const queries = useQueryClient();
  const where: DeliveryWhereInput | undefined = status && { status };
  const list = usePages(["deliveries", destinationID], DestinationDeliveriesDocument, { destinationID, first: 25, where }, (result) => result.destination?.deliveries ?? { edges: [], pageInfo: { hasNextPage: false, endCursor: null } });
  const [soon] = useState(() => gathered(() => void queries.invalidateQueries({ queryKey: ["deliveries", destinationID] })));
  useSubscription(DeliveriesUpdatedDocument, { destinationID }, { data: soon, ready: soon });
  return (
    <>
      <div className="above-table">
        <h2 className="section-title">
          Deliveries {list.total !== undefined && <span className="count">{count(list.total, 1000)}</span>}
        </h2>
        <span className="above-table-end">
          <Choice
            label="Status" any="Any status" value={status} values={deliveryStatuses.map((s) => [s, statusName(s)] as const)}
            onChange={(status) => void navigate({ search: (before) => ({ ...before, status }), replace: true, resetScroll: false })}
          />
          <Link to="/events" search={{ destination: destinationID }} className="button button-plain">
            <Zap aria-hidden />
            <span>Its events</span>
          </Link>
        </span>
      </div>
      <Table
        label="Deliveries"
        columns={columns}
        rows={list.rows}
        keyOf={(d) => d.id}
        link={(d) => ({ to: "/events/$eventID", params: { eventID: d.eventID }, search: { delivery: d.id } })}
        more={list.more}
        total={list.total}
        empty={
          <Empty icon={Inbox} title={status ? `No delivery is ${statusName(status).toLowerCase()}` : "Nothing has gone here yet"}>
            {status ? "Choose another status to see the others." : "Every event that the account gets from now on is delivered here. Send a test to try it."}
          </Empty>
        }
      />
    </>
  );
}

/** Calls once, a little later, however often it is called until then. */
function gathered(call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      call();
    }, 400);
  };
}
