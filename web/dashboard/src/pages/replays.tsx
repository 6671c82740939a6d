import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { History, Plus } from "lucide-react";
import { useState } from "react";
import { usePages } from "../api/pages";
import { fieldMessage, inWords } from "../api/problem";
import { ask, cut, nodes } from "../api/queries";
import { EventFilterNamesDocument, ReplayChoicesDocument, ReplayEventsDocument, ReplaysDocument, type DeliveryStatus, type ReplayEventsInput, type ReplaysQuery } from "../gql/graphql";
import { zone } from "../shell/preferences";
import { useViewer } from "../shell/viewer";
import { useAct } from "../ui/act";
import { deliveryStatuses, ReplayBadge, statusName } from "../ui/badge";
import { Button } from "../ui/button";
import { ShortID } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { Checkbox, Group, SelectField, TextField, textOf } from "../ui/form";
import { Moment } from "../ui/moment";
import { Notice } from "../ui/notice";
import { Empty, Failed, Page } from "../ui/page";
import { Progress } from "../ui/progress";
import { count, plural } from "../ui/size";
import { Table, type Column } from "../ui/table";
import { clock, dayOf } from "../ui/time";
import { before, everything, isAgo, momentOf, type Ago } from "./accepted";

type Row = NonNullable<NonNullable<NonNullable<ReplaysQuery["replays"]["edges"]>[number]>["node"]>;

const columns: Column<Row>[] = [
  { name: "Replay", width: "150px", leads: true, phone: "first", cell: (r) => <ShortID id={r.id} /> },
  { name: "Status", width: "120px", phone: "first-end", cell: (r) => <ReplayBadge status={r.status} /> },
  { name: "Why", width: "minmax(0, 1.5fr)", cell: (r) => <span className="muted">{r.reason ?? r.eventType ?? ""}</span> },
  {
    name: "Progress", width: "minmax(0, 1.5fr)", phone: "second",
    cell: (r) => <Progress label="Events replayed" done={r.replayed + r.skipped} of={r.matched} small />,
  },
  { name: "Rate", width: "90px", align: "end", cell: (r) => <span className="muted">{count(r.rate)}/s</span> },
  { name: "Begun", width: "190px", align: "end", phone: "second-end", cell: (r) => <Moment at={r.createdAt} /> },
];

/** All bulk replays that the viewer sees. */
export function Replays() {
  const { create, ...given } = useSearch({ from: "/inside/replays" });
  const navigate = useNavigate({ from: "/replays" });
  const { manages } = useViewer();
  const list = usePages(["replays"], ReplaysDocument, { first: 50 }, (result) => result.replays, { refetchInterval: 2_000 });
  const open = (create?: true) => void navigate({ search: create ? { create } : {}, replace: true });
  const button = manages && (
    <Button kind="primary" icon={Plus} onClick={() => open(true)}>
      New replay
    </Button>
  );
  return (
    <Page title="Replays" beside={list.total !== undefined && <span className="count">{count(list.total, 10_000)}</span>} actions={button}>
      {list.error && !list.rows ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <Table
          label="Replays"
          columns={columns}
          rows={list.rows}
          keyOf={(r) => r.id}
          link={(r) => ({ to: "/replays/$replayID", params: { replayID: r.id } })}
          more={list.more}
          total={list.total}
          empty={
            <Empty icon={History} title="Nothing was replayed in bulk yet" action={button}>
              A replay sends all events that match a filter once more, at a rate of your choice. It counts them first, and can be paused and canceled.
            </Empty>
          }
        />
      )}
      <NewReplay open={manages && Boolean(create)} onClose={() => open(undefined)} given={given} />
    </Page>
  );
}

interface Given {
  account?: string;
  destination?: string;
  status?: DeliveryStatus;
  type?: string;
  from?: string;
  to?: string;
}

function NewReplay({ open, onClose, given }: { open: boolean; onClose: () => void; given: Given }) {
  return (
    <Dialog open={open} onClose={onClose} title="New replay" description="All events that fulfil what is given go out once more, each as an event of its own, in the order of acceptance.">
      {open && <Form onClose={onClose} given={given} />}
    </Dialog>
  );
}

const agos: [Ago, string][] = [
  ["15m", "In the last 15 minutes"], ["1h", "In the last hour"], ["6h", "In the last 6 hours"], ["24h", "In the last 24 hours"],
  ["7d", "In the last 7 days"], ["30d", "In the last 30 days"],
];

function Form({ onClose, given }: { onClose: () => void; given: Given }) {
  const navigate = useNavigate();
  const { accountID: own } = useViewer();
  const inZone = zone.use();
  const [chosen, setAccount] = useState(own ?? given.account);
  // Lists of choices are cut: what is given can be chosen all the same.
  const { data: known } = useQuery({
    ...ask(["names"], EventFilterNamesDocument, { account: given.account ?? "", destination: given.destination ?? "" }),
    enabled: Boolean(given.account || given.destination),
    staleTime: Infinity,
  });
  const account = chosen ?? known?.destination?.account?.id ?? "";
  const { data: choices } = useQuery(ask(["replay choices"], ReplayChoicesDocument, { destinations: account ? { accountID: account } : undefined }));
  // What a dry run has counted counts as long as the form stays the same.
  const [counted, setCounted] = useState<{ n: number; to: string }>();
  const dry = useAct(ReplayEventsDocument);
  const start = useAct(ReplayEventsDocument, {
    done: ({ replayEvents }) => `The replay of ${plural(replayEvents.count, "event")} has begun.`,
    changes: [["replays"], ["audit"]],
    then: ({ replayEvents: { replay } }) => replay && void navigate({ to: "/replays/$replayID", params: { replayID: replay.id } }),
  });
  const error = (name: string) => fieldMessage(dry.error ?? start.error, name) ?? fieldMessage(dry.error ?? start.error, `filter.${name}`);
  const isTold = ["accountID", "destinationID", "eventType", "from", "rate", "reason"].some(error);
  const failure = dry.error ?? start.error;

  const accounts = withGiven(nodes(choices?.accounts), known?.account ?? known?.destination?.account);
  const isIts = !known?.destination?.account || known.destination.account.id === account;
  const goal = given.destination && isIts ? (known?.destination ?? { id: given.destination, name: null, url: given.destination }) : undefined;
  const destinations = withGiven(nodes(choices?.destinations), goal);
  const moment = (text: string | undefined) => text && text !== "any" && momentOf(text);
  const [from, until] = [moment(given.from), moment(given.to)];
  const time = isAgo(given.from) && !given.to ? given.from : from || until ? "given" : given.from ? "any" : "24h";
  const briefly = (at: string) => `${dayOf(new Date(at), inZone)}, ${clock(new Date(at), inZone)}`;
  const periodOf = (time: string, to: string) => {
    if (time === "given") return { from: from || everything, to: until || to };
    return { from: isAgo(time) ? before(Date.parse(to), time).toISOString() : everything, to };
  };

  const inputOf = (form: FormData, to: string): ReplayEventsInput => ({
    filter: {
      accountID: account || undefined,
      destinationID: textOf(form, "destination") || undefined,
      eventType: textOf(form, "type") || undefined,
      statuses: form.getAll("status") as DeliveryStatus[],
      ...periodOf(textOf(form, "time"), to),
    },
    rate: Number(textOf(form, "rate")),
    reason: textOf(form, "reason") || undefined,
  });
  return (
    <form
      className="form"
      noValidate
      onChange={() => {
        setCounted(undefined);
        dry.reset();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        if (counted) return start.mutate({ input: inputOf(form, counted.to) });
        const to = new Date().toISOString();
        dry.mutate({ input: { ...inputOf(form, to), dryRun: true } }, { onSuccess: ({ replayEvents }) => setCounted({ n: replayEvents.count, to }) });
      }}
    >
      {!own && (
        <SelectField
          label="Account" name="account" value={account} onChange={(event) => setAccount(event.target.value)} error={error("accountID")}
          hint={elsewhere(cut(choices?.accounts, 10_000))}
        >
          <option value="">Choose one</option>
          {accounts.map((a) => (
            <option key={a.id} value={a.id}>
              {a.name}
            </option>
          ))}
        </SelectField>
      )}
      <div className="form-row">
        <SelectField
          label="Went to" name="destination" defaultValue={given.destination ?? ""} key={choices ? "loaded" : "loading"} error={error("destinationID")}
          hint={elsewhere(cut(choices?.destinations, 10_000))}
        >
          <option value="">Any destination</option>
          {destinations.map((d) => (
            <option key={d.id} value={d.id}>
              {d.name ?? d.url}
            </option>
          ))}
        </SelectField>
        <TextField label="Type" name="type" defaultValue={given.type ?? ""} placeholder="order.created" optional error={error("eventType")} />
      </div>
      <Group label="With a delivery that is" hint="None chosen: whatever it is.">
        <div className="check-row">
          {deliveryStatuses.map((status) => (
            <Checkbox key={status} name="status" value={status} label={statusName(status)} defaultChecked={given.status === status} />
          ))}
        </div>
      </Group>
      <div className="form-row">
        <SelectField label="Accepted" name="time" defaultValue={time} error={error("from")}>
          {(from || until) && (
            <option value="given">{from && until ? `${briefly(from)} – ${briefly(until)}` : from ? `Since ${briefly(from)}` : `Before ${briefly(until || "")}`}</option>
          )}
          {agos.map(([ago, name]) => (
            <option key={ago} value={ago}>
              {name}
            </option>
          ))}
          <option value="any">At any time</option>
        </SelectField>
        <TextField label="Events a second" name="rate" type="number" min={1} max={1000} defaultValue="100" error={error("rate")} />
      </div>
      <TextField label="Why" name="reason" optional error={error("reason")} hint="For the audit log." />
      {failure && !isTold && <Notice kind="bad">{inWords(failure)}</Notice>}
      {counted && (
        <Notice kind={counted.n ? "info" : "warn"}>
          {counted.n ? `${plural(counted.n, "event matches", "events match")}. Nothing has been sent yet.` : "No event matches: change what is asked for."}
        </Notice>
      )}
      <div className="form-actions">
        <Button onClick={onClose}>Cancel</Button>
        {counted?.n ? (
          <Button kind="primary" type="submit" busy={start.isPending} icon={History}>
            {`Replay ${plural(counted.n, "event")}`}
          </Button>
        ) : (
          <Button kind="primary" type="submit" busy={dry.isPending} disabled={!account}>
            Count what matches
          </Button>
        )}
      </div>
    </form>
  );
}

/** The choices, with what is given among them. */
function withGiven<Choice extends { id: string }>(choices: Choice[], given: Choice | null | undefined): Choice[] {
  return !given || choices.some(({ id }) => id === given.id) ? choices : [given, ...choices];
}

/** How to come by a choice that a list which is cut does not have. */
const elsewhere = (cut: string | undefined) => cut && `${cut} For another one, begin at its events.`;
