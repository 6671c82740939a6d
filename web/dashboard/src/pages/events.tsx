import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { CirclePause, CirclePlay, History, Zap } from "lucide-react";
import { usePages } from "../api/pages";
import { ask, nodes } from "../api/queries";
import { EventFilterNamesDocument, EventsDocument, type DeliveryStatus, type EventRowFragment, type EventWhereInput } from "../gql/graphql";
import { useViewer } from "../shell/viewer";
import { deliveryStatuses, statusName, statusTone, StatusBadge } from "../ui/badge";
import { Button } from "../ui/button";
import { ShortID } from "../ui/copy";
import { Choice, Filters, SearchBox } from "../ui/filters";
import { Moment } from "../ui/moment";
import { Empty, Failed, Page } from "../ui/page";
import { bytes, count } from "../ui/size";
import { Table, type Column } from "../ui/table";
import { momentOf } from "./accepted";
import { useLiveEvents } from "./live-events";
import { SendSnippet } from "./send-snippet";

const columns: Column<EventRowFragment>[] = [
  {
    name: "Event", width: "minmax(0, 2fr)", leads: true, phone: "first",
    cell: (e) => (e.eventType ? <b className="strong">{e.eventType}</b> : <span className="muted">no type</span>),
  },
  { name: "Id", width: "150px", phone: "second", cell: (e) => <ShortID id={e.id} /> },
  {
    name: "Deliveries", width: "minmax(0, 1.6fr)", phone: "first-end",
    cell: (e) => <Deliveries deliveries={nodes(e.deliveries)} total={e.deliveries.totalCount} />,
  },
  { name: "Size", width: "80px", align: "end", cell: (e) => <span className="muted">{bytes(e.size)}</span> },
  { name: "Accepted", width: "190px", align: "end", phone: "second-end", cell: (e) => <Moment at={e.createdAt} /> },
];

const owner: Column<EventRowFragment> = { name: "Account", width: "minmax(0, 1fr)", cell: (e) => <span className="muted">{e.account?.name ?? "deleted"}</span> };

/** How an event's deliveries stand: all in one word where they stand alike. Of very many, the first are looked at. */
function Deliveries({ deliveries, total }: { deliveries: { status: DeliveryStatus }[]; total: number }) {
  if (total === 0) return <span className="muted">no destination</span>;
  const statuses = new Map<DeliveryStatus, number>();
  for (const { status } of deliveries) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const rest = deliveries.length < total ? (
    <span className="muted" title="The others are on the event's page">
      {deliveries.length} of {count(total, 1000)}
    </span>
  ) : undefined;
  if (statuses.size === 1) {
    const [status] = statuses.keys();
    return (
      <span className="deliveries">
        <StatusBadge status={status!} />
        {rest ?? (total > 1 && <span className="muted">{count(total, 1000)}</span>)}
      </span>
    );
  }
  return (
    <span className="deliveries">
      {[...statuses].map(([status, n]) => (
        <span key={status} className={`mini tone-${statusTone(status)}`} title={`${n} ${statusName(status)}`}>
          <span className="dot" aria-hidden />
          {n}
          <span className="hidden"> {statusName(status)}</span>
        </span>
      ))}
      {rest}
    </span>
  );
}

/** All events that the viewer sees, with those that come. */
export function Events() {
  const search = useSearch({ from: "/inside/events" });
  const { q, type, status, account, destination, replay, from, to, live } = search;
  const navigate = useNavigate({ from: "/events" });
  const { isAdmin, accountID, manages } = useViewer();
  const set = (part: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true });

  const where = filterOf(search);
  const variables = { first: 50, where };
  const about = ["events", "list"];
  const list = usePages(about, EventsDocument, variables, (result) => result.events);
  const isLive = live !== false && !to;
  const { liveness, fresh } = useLiveEvents(
    [...about, variables],
    { where, accountID: account ?? accountID, destinationID: destination },
    isLive,
  );
  const names = useQuery({
    ...ask(["names"], EventFilterNamesDocument, { account: account ?? "", destination: destination ?? "" }),
    enabled: Boolean(account || destination),
    staleTime: Infinity,
  }).data;
  const filtered = Boolean(q || type || status || account || destination || replay || from || to);
  return (
    <Page
      title="Events"
      beside={
        <>
          {list.total !== undefined && <span className="count">{count(list.total, 10_000)}</span>}
          {isLive && <LiveMark liveness={liveness} />}
        </>
      }
      actions={
        <>
          {manages && (
            <Button
              icon={History}
              unless={notToReplay(search)}
              onClick={() => void navigate({ to: "/replays", search: { create: true, account, destination, status, type, from: from ?? "any", to } })}
            >
              Replay these
            </Button>
          )}
          <Button icon={isLive ? CirclePause : CirclePlay} disabled={Boolean(to)} onClick={() => set({ live: isLive ? false : undefined })}>
            {isLive ? "Hold the list" : "Follow live"}
          </Button>
        </>
      }
    >
      <Filters active={filtered} onClear={() => void navigate({ search: live === false ? { live } : {} })}>
        <SearchBox label="Find an event" placeholder="Event id or idempotency key" value={q} onChange={(q) => set({ q })} />
        <SearchBox label="Type" placeholder="Type, such as order.*" value={type} onChange={(type) => set({ type })} />
        <Choice
          label="Status of a delivery" any="Any status" value={status} values={deliveryStatuses.map((s) => [s, statusName(s)] as const)}
          onChange={(status) => set({ status })}
        />
        <Choice label="Accepted" any="Any time" value={timeOf(from)} values={times} onChange={(ago) => set({ from: ago, to: undefined })} />
        {account && <Chip name="Account" value={names?.account?.name ?? "…"} onRemove={() => set({ account: undefined })} />}
        {destination && (
          <Chip name="Destination" value={names?.destination?.name ?? names?.destination?.url ?? "…"} onRemove={() => set({ destination: undefined })} />
        )}
        {replay && <Chip name="Replay" value={replay} onRemove={() => set({ replay: undefined })} />}
      </Filters>
      {list.error && !list.rows ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <Table
          label="Events"
          columns={isAdmin && !account ? [...columns.slice(0, 2), owner, ...columns.slice(2)] : columns}
          rows={list.rows}
          keyOf={(e) => e.id}
          link={(e) => ({ to: "/events/$eventID", params: { eventID: e.id } })}
          fresh={fresh}
          more={list.more}
          total={list.total}
          empty={
            filtered ? (
              <Empty icon={Zap} title="No event fits">
                An id is looked for as a whole; a type may end with * to find all that begin like it.
              </Empty>
            ) : (
              <Empty icon={Zap} title="There is no event yet" action={<SendSnippet />}>
                Send one with a token of an account. It appears here as it comes.
              </Empty>
            )
          }
        />
      )}
    </Page>
  );
}

/** Whether what happens is shown as it happens. */
export function LiveMark({ liveness }: { liveness: "off" | "connecting" | "live" }) {
  return (
    <span className={`live live-${liveness}`} role="status">
      <span className="dot" aria-hidden />
      {liveness === "live" ? "Live" : liveness === "connecting" ? "Connecting…" : "Not live"}
    </span>
  );
}

function Chip({ name, value, onRemove }: { name: string; value: string; onRemove: () => void }) {
  return (
    <span className="chip">
      <span className="muted">{name}</span> {value}
      <button type="button" onClick={onRemove} aria-label={`Remove the filter ${name}`}>
        ×
      </button>
    </span>
  );
}

const times = [
  ["15m", "Last 15 minutes"],
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
] as const;

/** Why a bulk replay cannot be asked for what the list shows; undefined where it can. */
function notToReplay({ q, type, replay }: { q?: string; type?: string; replay?: string }): string | undefined {
  if (q) return "One event is replayed on its own page: clear the id to replay several.";
  if (replay) return "A replay cannot be told to send what another one has made: remove that filter.";
  if (type?.endsWith("*")) return "A replay takes one type or all of them, none that ends with *.";
  return undefined;
}

const timeOf = (from: string | undefined) => times.map(([ago]) => ago).find((ago) => ago === from);

function filterOf({ q, type, status, account, destination, replay, from, to }: {
  q?: string; type?: string; status?: DeliveryStatus; account?: string; destination?: string; replay?: string; from?: string; to?: string;
}): EventWhereInput | undefined {
  const where: EventWhereInput = {};
  if (q) where.or = [{ id: q }, { idempotencyKey: q }];
  if (type?.endsWith("*")) where.eventTypeHasPrefix = type.slice(0, -1);
  else if (type) where.eventType = type;
  if (status || destination) where.hasDeliveriesWith = [{ ...(status && { status }), ...(destination && { destinationID: destination }) }];
  if (account) where.accountID = account;
  if (replay) where.replayID = replay;
  if (from && momentOf(from)) where.createdAtGTE = momentOf(from);
  if (to && momentOf(to)) where.createdAtLT = momentOf(to);
  return Object.keys(where).length ? where : undefined;
}
