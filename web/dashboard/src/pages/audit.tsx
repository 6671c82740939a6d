import { Link, useNavigate, useSearch, type LinkProps } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { useState } from "react";
import { usePages } from "../api/pages";
import { ActionsDocument, type ActionKind, type ActionsQuery, type ActionWhereInput } from "../gql/graphql";
import { Badge, type Tone } from "../ui/badge";
import { Code } from "../ui/code";
import { ID, ShortID } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { Choice, Filters, SearchBox } from "../ui/filters";
import { Moment } from "../ui/moment";
import { Empty, Fact, Facts, Failed, Page } from "../ui/page";
import { count } from "../ui/size";
import { Table, type Column } from "../ui/table";

type Action = NonNullable<NonNullable<NonNullable<ActionsQuery["actions"]["edges"]>[number]>["node"]>;

const kinds: Record<ActionKind, [Tone, string]> = {
  RETRY: ["info", "Retried"],
  CANCEL: ["warn", "Canceled"],
  POSTPONE: ["info", "Postponed"],
  PAUSE: ["hold", "Paused"],
  RESUME: ["ok", "Resumed"],
  DISABLE: ["bad", "Disabled"],
  OPEN: ["bad", "Breaker opened"],
  CLOSE: ["ok", "Breaker closed"],
  REPLAY: ["info", "Replayed"],
  TEST: ["info", "Tested"],
  DELETE: ["bad", "Deleted"],
  CREATE: ["ok", "Created"],
  UPDATE: ["info", "Changed"],
  REVOKE: ["warn", "Revoked"],
  ROTATE: ["warn", "Rotated"],
  IMPORT: ["info", "Imported"],
  SIGN_IN: ["none", "Signed in"],
  SIGN_OUT: ["none", "Signed out"],
};

const allKinds = Object.keys(kinds) as ActionKind[];

const things: Record<string, string> = {
  acc: "account", tok: "token", dst: "destination", evt: "event", dlv: "delivery", rpl: "replay", ses: "session", lnk: "portal link",
};

/** What a subject is, by its id. */
const thing = (id: string) => things[id.slice(0, 3)] ?? "portal link";

/** The page of a subject, where it has one. */
function pageOf(id: string): LinkProps | undefined {
  switch (id.slice(0, 4)) {
    case "acc_":
      return { to: "/accounts/$accountID", params: { accountID: id } };
    case "dst_":
      return { to: "/destinations/$destinationID", params: { destinationID: id } };
    case "evt_":
      return { to: "/events/$eventID", params: { eventID: id } };
    case "rpl_":
      return { to: "/replays/$replayID", params: { replayID: id } };
  }
  return undefined;
}

const who = (actor: string) => (actor === "admin" ? "Administrator" : actor === "system" ? "System" : <ShortID id={actor} />);

/** Who did what, from where and why. */
export function Audit() {
  const search = useSearch({ from: "/inside/audit" });
  const { subject, actor, account } = search;
  const kind = allKinds.find((k) => k === search.kind);
  const navigate = useNavigate({ from: "/audit" });
  const [shown, setShown] = useState<Action>();
  const set = (part: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const filtered = Boolean(subject || kind || actor || account);
  const where: ActionWhereInput | undefined = filtered
    ? { ...(subject && { or: [{ subjectID: subject }, { requestID: subject }] }), ...(kind && { kind }), ...(actor && { actor }), ...(account && { accountID: account }) }
    : undefined;
  const list = usePages(["audit"], ActionsDocument, { first: 50, where }, (result) => result.actions, { refetchInterval: 10_000 });
  const columns: Column<Action>[] = [
    { name: "What", width: "150px", phone: "first", cell: (a) => <Badge tone={kinds[a.kind][0]}>{kinds[a.kind][1]}</Badge> },
    {
      name: "Of", width: "minmax(190px, 1.4fr)", phone: "second",
      cell: (a) => {
        const page = pageOf(a.subjectID);
        const text = (
          <>
            {thing(a.subjectID)} <ShortID id={a.subjectID} />
          </>
        );
        return page ? <Link {...page}>{text}</Link> : text;
      },
    },
    { name: "Who", width: "140px", cell: (a) => who(a.actor) },
    { name: "Why", width: "minmax(0, 1.4fr)", cell: (a) => <span className="muted">{a.reason}</span> },
    { name: "From", width: "100px", cell: (a) => <code className="muted">{a.address}</code> },
    { name: "When", width: "190px", align: "end", phone: "second-end", cell: (a) => <Moment at={a.createdAt} /> },
    {
      name: "Details", quiet: true, width: "70px", align: "end", phone: "first-end",
      cell: (a) => (
        <button type="button" className="link" onClick={() => setShown(a)}>
          Details<span className="hidden"> of {kinds[a.kind][1]}, {thing(a.subjectID)}</span>
        </button>
      ),
    },
  ];
  return (
    <Page title="Audit log" beside={list.total !== undefined && <span className="count">{count(list.total, 10_000)}</span>}>
      <Filters active={filtered} onClear={() => void navigate({ search: {} })}>
        <SearchBox label="Find actions" placeholder="Id of a subject or a request" value={subject} onChange={(subject) => set({ subject })} />
        <Choice label="Kind" any="Anything done" value={kind} values={allKinds.map((k) => [k, kinds[k][1]] as const)} onChange={(kind) => set({ kind })} />
        <Choice
          label="Who" any="By anybody" value={actor === "admin" || actor === "system" ? actor : undefined}
          values={[["admin", "By the administrator"], ["system", "By the system"]] as const} onChange={(actor) => set({ actor })}
        />
      </Filters>
      {list.error && !list.rows ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <Table
          label="Audit log"
          columns={columns}
          rows={list.rows}
          keyOf={(a) => a.id}
          more={list.more}
          total={list.total}
          empty={
            <Empty icon={ScrollText} title={filtered ? "No action fits" : "Nothing was done yet"}>
              {filtered ? "Ids are looked for as a whole." : "Whatever changes something is written down here, and stays."}
            </Empty>
          }
        />
      )}
      <Dialog open={shown !== undefined} onClose={() => setShown(undefined)} size="large" title={shown && `${kinds[shown.kind][1]}: ${thing(shown.subjectID)}`}>
        {shown && (
          <>
            <Facts>
              <Fact name="Subject">
                <ID id={shown.subjectID} />
              </Fact>
              <Fact name="When">
                <Moment at={shown.createdAt} as="full" />
              </Fact>
              <Fact name="Who">{who(shown.actor)}</Fact>
              <Fact name="Why">{shown.reason}</Fact>
              <Fact name="From">{shown.address && <code>{shown.address}</code>}</Fact>
              <Fact name="Request">{shown.requestID && <code className="breakable">{shown.requestID}</code>}</Fact>
            </Facts>
            <div className="exchange exchange-plain">
              <section aria-label="Before">
                <h4>Before</h4>
                {shown.before ? <Code text={shown.before} label="what was before" height={300} /> : <p className="muted small">Nothing.</p>}
              </section>
              <section aria-label="Since">
                <h4>Since</h4>
                {shown.after ? <Code text={shown.after} label="what is since" height={300} /> : <p className="muted small">Nothing.</p>}
              </section>
            </div>
          </>
        )}
      </Dialog>
    </Page>
  );
}
