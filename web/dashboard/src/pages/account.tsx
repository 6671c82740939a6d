import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Link2, Pencil, Plus, Trash2, Zap } from "lucide-react";
import { useState, type ReactNode } from "react";
import { fieldMessage } from "../api/problem";
import { ask, cut, nodes } from "../api/queries";
import { AccountDocument, DeleteAccountDocument, SetAccountEgressDocument, UpdateAccountDocument, type AccountQuery } from "../gql/graphql";
import type { AccountTab } from "../router";
import { useViewer } from "../shell/viewer";
import { useAct } from "../ui/act";
import { Button, ButtonLink } from "../ui/button";
import { ID } from "../ui/copy";
import { Confirm, FormDialog } from "../ui/dialog";
import { TextArea, TextField, textOf } from "../ui/form";
import { Menu } from "../ui/menu";
import { Moment } from "../ui/moment";
import { Card, Fact, Facts, Page, Skeleton } from "../ui/page";
import { SecretDialog, type Secret } from "../ui/secret";
import { count } from "../ui/size";
import { DestinationList, NoDestination } from "./destination-list";
import { NewDestination } from "./destination-form";
import { missing, unloaded } from "./missing";
import { PortalLinkDialog } from "./portal-link";
import { Tokens } from "./tokens";
import { Usage } from "./usage";

export type AccountDetails = NonNullable<AccountQuery["account"]>;

/** One account: its destinations, tokens and usage. */
export function Account() {
  const { accountID } = useParams({ from: "/inside/accounts/$accountID" });
  const { tab = "destinations" } = useSearch({ from: "/inside/accounts/$accountID" });
  const { isAdmin, manages } = useViewer();
  const navigate = useNavigate();
  const query = useQuery(ask(["account", accountID], AccountDocument, { id: accountID }));
  const account = query.data?.account;
  const [open, setOpen] = useState<"edit" | "delete" | "link" | "destination">();
  const [made, setMade] = useState<{ id: string; secret: Secret }>();
  const close = () => setOpen(undefined);
  const crumbs = isAdmin ? [{ label: "Accounts", link: { to: "/accounts" } as const }] : [];

  if (query.data && !account) return missing("account", crumbs);
  if (query.error && !query.data) return unloaded("account", crumbs, query);
  const newDestination = manages && (
    <Button kind="primary" icon={Plus} onClick={() => setOpen("destination")}>
      New destination
    </Button>
  );
  const living = nodes(account?.tokens).filter((token) => !token.revokedAt);
  return (
    <Page
      title={account?.name ?? "Account"}
      crumbs={crumbs}
      about={
        <>
          <ID id={accountID} what="the account's id" />
          {account ? <span className="muted">{account.email}</span> : <Skeleton width="12em" />}
          {account?.website && (
            <a href={account.website} rel="noreferrer" target="_blank">
              {account.website}
            </a>
          )}
        </>
      }
      actions={
        <>
          <ButtonLink to="/events" search={{ account: accountID }} icon={Zap}>
            Events
          </ButtonLink>
          {isAdmin && (
            <Button icon={Link2} onClick={() => setOpen("link")}>
              Portal link
            </Button>
          )}
          {newDestination}
          {manages && (
            <Menu
              label="More actions"
              items={[
                { label: "Edit the account", icon: Pencil, disabled: !account, onSelect: () => setOpen("edit") },
                { label: "Delete the account", icon: Trash2, danger: true, disabled: !account, onSelect: () => setOpen("delete") },
              ]}
            />
          )}
        </>
      }
    >
      <Tabs
        label="Parts of the account"
        tabs={[
          { id: "destinations", name: "Destinations", count: account?.destinations.totalCount },
          { id: "tokens", name: "Tokens", count: account ? living.length : undefined },
          { id: "usage", name: "Usage" },
          { id: "settings", name: "Settings" },
        ]}
        accountID={accountID}
      />
      {tab === "destinations" && <DestinationList where={{ accountID }} owners={false} none={<NoDestination action={newDestination} />} />}
      {tab === "tokens" && <Tokens accountID={accountID} tokens={account ? nodes(account.tokens) : undefined} cut={cut(account?.tokens, 1000)} />}
      {tab === "usage" && <Usage accountID={accountID} />}
      {tab === "settings" && account && <Settings account={account} onEdit={manages ? () => setOpen("edit") : undefined} />}
      {account && (
        <>
          <Edit open={open === "edit"} onClose={close} account={account} />
          <Delete open={open === "delete"} onClose={close} account={account} onDeleted={() => void navigate({ to: "/accounts" })} />
          <PortalLinkDialog open={open === "link"} onClose={close} account={account} />
        </>
      )}
      <NewDestination open={open === "destination"} onClose={close} accountID={accountID} onMade={(id, secret) => setMade({ id, secret })} />
      <SecretDialog
        secret={made?.secret}
        onClose={() => {
          void navigate({ to: "/destinations/$destinationID", params: { destinationID: made!.id } });
          setMade(undefined);
        }}
      />
    </Page>
  );
}

function Tabs({ label, tabs, accountID }: {
  label: string;
  tabs: { id: AccountTab; name: string; count?: number }[];
  accountID: string;
}) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map(({ id, name, count: n }) => (
        <Link
          key={id}
          to="/accounts/$accountID"
          params={{ accountID }}
          search={(before) => ({ ...before, tab: id === "destinations" ? undefined : id })}
          replace
          resetScroll={false}
          className="tab"
          activeOptions={{ exact: true, explicitUndefined: true }}
        >
          {name}
          {n !== undefined && <span className="count">{count(n, 1000)}</span>}
        </Link>
      ))}
    </nav>
  );
}

function Settings({ account, onEdit }: { account: AccountDetails; onEdit?: () => void }) {
  const { isAdmin } = useViewer();
  const [egress, setEgress] = useState(false);
  return (
    <div className="columns">
      <Card title="Account" actions={onEdit && <Button icon={Pencil} onClick={onEdit}>Edit</Button>}>
        <Facts>
          <Fact name="Name">{account.name}</Fact>
          <Fact name="E-mail">{account.email}</Fact>
          <Fact name="Website">{account.website}</Fact>
          <Fact name="Created">
            <Moment at={account.createdAt} as="full" />
          </Fact>
          <Fact name="Changed">
            <Moment at={account.updatedAt} as="full" />
          </Fact>
        </Facts>
      </Card>
      <Card title="Egress policy" actions={isAdmin && <Button icon={Pencil} onClick={() => setEgress(true)}>Change</Button>}>
        <p className="muted">Networks that are not public and that its destinations may be in all the same.</p>
        {account.allowCIDRs.length ? (
          <ul className="plain-list mono">
            {account.allowCIDRs.map((cidr) => (
              <li key={cidr}>{cidr}</li>
            ))}
          </ul>
        ) : (
          <p>None beyond what the operator allows all accounts.</p>
        )}
      </Card>
      <Egress open={egress} onClose={() => setEgress(false)} account={account} />
    </div>
  );
}

interface PartProps {
  open: boolean;
  onClose: () => void;
  account: AccountDetails;
}

function Edit({ open, onClose, account }: PartProps) {
  const act = useAct(UpdateAccountDocument, { done: "The account is changed.", changes: [["account", account.id], ["accounts"], ["viewer"]], then: onClose });
  const error = (name: string) => fieldMessage(act.error, name);
  return (
    <FormDialog
      {...{ open, onClose }}
      title="Edit the account"
      action="Save"
      busy={act.isPending}
      error={act.error && !["name", "email", "website"].some(error) ? act.error : undefined}
      onSubmit={(form) => act.mutate({ input: { id: account.id, name: textOf(form, "name"), email: textOf(form, "email"), website: textOf(form, "website") } })}
    >
      <TextField label="Name" name="name" defaultValue={account.name} error={error("name")} />
      <TextField label="E-mail" name="email" type="email" defaultValue={account.email} error={error("email")} />
      <TextField label="Website" name="website" type="url" defaultValue={account.website ?? ""} optional error={error("website")} />
    </FormDialog>
  );
}

function Egress({ open, onClose, account }: PartProps) {
  const act = useAct(SetAccountEgressDocument, { done: "The egress policy is changed.", changes: [["account", account.id]], then: onClose });
  const error = fieldMessage(act.error, "allowCIDRs");
  return (
    <FormDialog
      {...{ open, onClose }}
      title="Egress policy"
      action="Save"
      busy={act.isPending}
      error={act.error && !error ? act.error : undefined}
      onSubmit={(form) => act.mutate({ input: { accountID: account.id, allowCIDRs: textOf(form, "cidrs").split(/[\s,]+/).filter(Boolean) } })}
    >
      <TextArea
        label="Networks" name="cidrs" rows={5} className="mono" defaultValue={account.allowCIDRs.join("\n")} error={error}
        hint="One a line, such as 10.1.0.0/16. Metadata services of clouds stay refused."
      />
    </FormDialog>
  );
}

function Delete({ open, onClose, account, onDeleted }: PartProps & { onDeleted: () => void }): ReactNode {
  const act = useAct(DeleteAccountDocument, { done: `${account.name} is deleted.`, changes: [["accounts"], ["destinations"]], then: onDeleted });
  return (
    <Confirm {...{ open, onClose }} title={`Delete ${account.name}?`} action="Delete the account" danger busy={act.isPending} error={act.error} onConfirm={() => act.mutate({ input: { id: account.id } })}>
      Its destinations go with it, its tokens are refused from now on, and deliveries that wait are canceled. What was delivered stays in the history.
    </Confirm>
  );
}
