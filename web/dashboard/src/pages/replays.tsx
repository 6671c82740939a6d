import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { History, Plus } from "lucide-react";
import { useState } from "react";
import { usePages } from "../api/pages";
import { fieldMessage, inWords } from "../api/problem";
import { ask, nodes } from "../api/queries";
import { ReplayChoicesDocument, ReplayEventsDocument, ReplaysDocument, type DeliveryStatus, type ReplayEventsInput, type ReplaysQuery } from "../gql/graphql";
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
      <NewReplay open={Boolean(create)} onClose={() => open(undefined)} given={given} />
    </Page>
  );
}

interface Given {
  account?: string;
  destination?: string;
  status?: DeliveryStatus;
  type?: string;
}

function NewReplay({ open, onClose, given }: { open: boolean; onClose: () => void; given: Given }) {
  return (
    <Dialog open={open} onClose={onClose} title="New replay" description="All events that fulfil what is given go out once more, each as an event of its own, in the order of acceptance.">
      {open && <Form onClose={onClose} given={given} />}
    </Dialog>
  );
}

const spans = [["15", "15 minutes"], ["60", "Hour"], ["360", "6 hours"], ["1440", "24 hours"], ["10080", "7 days"], ["43200", "30 days"]] as const;

function Form({ onClose, given }: { onClose: () => void; given: Given }) {
  const navigate = useNavigate();
  const { accountID: own } = useViewer();
  const [account, setAccount] = useState(own ?? given.account ?? "");
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
  const known = ["accountID", "destinationID", "eventType", "rate", "reason"].some(error);
  const failure = dry.error ?? start.error;

  const inputOf = (form: FormData, to: string): ReplayEventsInput => ({
    filter: {
      accountID: account || undefined,
      destinationID: textOf(form, "destination") || undefined,
      eventType: textOf(form, "type") || undefined,
      statuses: form.getAll("status") as DeliveryStatus[],
      from: new Date(Date.parse(to) - Number(textOf(form, "minutes")) * 60_000).toISOString(),
      to,
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
        <SelectField label="Account" name="account" value={account} onChange={(event) => setAccount(event.target.value)} error={error("accountID")}>
          <option value="">Choose one</option>
          {nodes(choices?.accounts).map((a) => (
            <option key={a.id} value={a.id}>
              {a.name}
            </option>
          ))}
        </SelectField>
      )}
      <div className="form-row">
        <SelectField label="Went to" name="destination" defaultValue={given.destination ?? ""} key={choices ? "loaded" : "loading"} error={error("destinationID")}>
          <option value="">Any destination</option>
          {nodes(choices?.destinations).map((d) => (
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
        <SelectField label="Accepted in the last" name="minutes" defaultValue="1440">
          {spans.map(([minutes, name]) => (
            <option key={minutes} value={minutes}>
              {name}
            </option>
          ))}
        </SelectField>
        <TextField label="Events a second" name="rate" type="number" min={1} max={1000} defaultValue="100" error={error("rate")} />
      </div>
      <TextField label="Why" name="reason" optional error={error("reason")} hint="For the audit log." />
      {failure && !known && <Notice kind="bad">{inWords(failure)}</Notice>}
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
