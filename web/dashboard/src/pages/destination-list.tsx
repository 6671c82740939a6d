import { Webhook } from "lucide-react";
import type { ReactNode } from "react";
import { usePages } from "../api/pages";
import { DestinationsDocument, type DestinationRowFragment, type DestinationWhereInput } from "../gql/graphql";
import { StateBadge } from "../ui/badge";
import { Empty, Failed } from "../ui/page";
import { count, percent } from "../ui/size";
import { Table, type Column } from "../ui/table";

const columns: Column<DestinationRowFragment>[] = [
  {
    name: "Destination", width: "minmax(0, 3fr)", leads: true, phone: "first",
    cell: (d) => (
      <span className="two">
        <b className="strong">{d.name ?? new URL(d.url).host}</b>
        <span className="muted mono">
          {d.httpMethod} {d.url}
        </span>
      </span>
    ),
  },
  { name: "State", width: "120px", phone: "first-end", cell: (d) => <StateBadge state={d.state} /> },
  {
    name: "Accepted", width: "100px", align: "end", phone: "second-end",
    cell: (d) => (d.health.recentSuccessRate == null ? <span className="muted">–</span> : percent(d.health.recentSuccessRate)),
  },
  {
    name: "Parked", width: "90px", align: "end",
    cell: (d) => (d.health.parkedCount ? <b className="strong">{count(d.health.parkedCount)}</b> : <span className="muted">0</span>),
  },
];

const owner: Column<DestinationRowFragment> = {
  name: "Account", width: "minmax(0, 1fr)", phone: "second", cell: (d) => <span className="muted">{d.account?.name}</span>,
};

/** A list of destinations. */
export function DestinationList({ where, owners, none }: { where: DestinationWhereInput | undefined; owners: boolean; none: ReactNode }) {
  const list = usePages(["destinations"], DestinationsDocument, { first: 50, where }, (result) => result.destinations, { refetchInterval: 15_000 });
  if (list.error && !list.rows) return <Failed error={list.error} retry={() => void list.refetch()} />;
  return (
    <Table
      label="Destinations"
      columns={owners ? [columns[0]!, owner, ...columns.slice(1)] : columns}
      rows={list.rows}
      keyOf={(d) => d.id}
      link={(d) => ({ to: "/destinations/$destinationID", params: { destinationID: d.id } })}
      more={list.more}
      total={list.total}
      empty={none}
    />
  );
}

/** What is said where an account has no destination. */
export function NoDestination({ action }: { action?: ReactNode }) {
  return (
    <Empty icon={Webhook} title="There is no destination yet" action={action}>
      A destination is a URL that gets the account's events. Events that come before there is one go nowhere.
    </Empty>
  );
}
