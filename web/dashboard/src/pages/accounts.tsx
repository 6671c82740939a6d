import { useNavigate, useSearch } from "@tanstack/react-router";
import { Building2, Plus } from "lucide-react";
import { useState } from "react";
import { usePages } from "../api/pages";
import { fieldMessage } from "../api/problem";
import { AccountsDocument, CreateAccountDocument, type AccountsQuery } from "../gql/graphql";
import { useAct } from "../ui/act";
import { Button } from "../ui/button";
import { ShortID } from "../ui/copy";
import { FormDialog } from "../ui/dialog";
import { Filters, SearchBox } from "../ui/filters";
import { TextField, textOf } from "../ui/form";
import { Moment } from "../ui/moment";
import { Empty, Failed, Page } from "../ui/page";
import { SecretDialog, type Secret } from "../ui/secret";
import { count } from "../ui/size";
import { Table, type Column } from "../ui/table";

type Row = NonNullable<NonNullable<NonNullable<AccountsQuery["accounts"]["edges"]>[number]>["node"]>;

const columns: Column<Row>[] = [
  { name: "Name", width: "minmax(0, 2fr)", leads: true, phone: "first", cell: (a) => <b className="strong">{a.name}</b> },
  { name: "E-mail", width: "minmax(0, 2fr)", phone: "second", cell: (a) => a.email },
  { name: "Destinations", width: "110px", align: "end", phone: "first-end", cell: (a) => count(a.destinations.totalCount, 1000) },
  { name: "Tokens", width: "80px", align: "end", cell: (a) => count(a.tokens.totalCount, 1000) },
  { name: "Id", width: "140px", cell: (a) => <ShortID id={a.id} /> },
  { name: "Created", width: "200px", align: "end", phone: "second-end", cell: (a) => <Moment at={a.createdAt} /> },
];

/** All accounts, for the admin. */
export function Accounts() {
  const { q, create } = useSearch({ from: "/inside/accounts" });
  const navigate = useNavigate({ from: "/accounts" });
  const where = q ? { or: [{ nameContainsFold: q }, { emailContainsFold: q }, { id: q }] } : undefined;
  const accounts = usePages(["accounts"], AccountsDocument, { first: 50, where }, (result) => result.accounts);
  const open = (create?: true) => void navigate({ search: (before) => ({ ...before, create }), replace: true });
  const button = (
    <Button kind="primary" icon={Plus} onClick={() => open(true)}>
      New account
    </Button>
  );
  return (
    <Page title="Accounts" beside={accounts.total !== undefined && <span className="count">{count(accounts.total, 10_000)}</span>} actions={button}>
      <Filters active={Boolean(q)} onClear={() => void navigate({ search: {} })}>
        <SearchBox label="Find an account" placeholder="Name, e-mail or id" value={q} onChange={(q) => void navigate({ search: (before) => ({ ...before, q }), replace: true })} />
      </Filters>
      {accounts.error && !accounts.rows ? (
        <Failed error={accounts.error} retry={() => void accounts.refetch()} />
      ) : (
        <Table
          label="Accounts"
          columns={columns}
          rows={accounts.rows}
          keyOf={(a) => a.id}
          link={(a) => ({ to: "/accounts/$accountID", params: { accountID: a.id } })}
          more={accounts.more}
          total={accounts.total}
          empty={
            q ? (
              <Empty icon={Building2} title="No account fits">
                Accounts are found by a part of their name or e-mail address, or by their id.
              </Empty>
            ) : (
              <Empty icon={Building2} title="There is no account yet" action={button}>
                An account owns destinations and the tokens with which events are sent.
              </Empty>
            )
          }
        />
      )}
      <NewAccount open={Boolean(create)} onClose={() => open(undefined)} />
    </Page>
  );
}

function NewAccount({ open, onClose }: { open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const [made, setMade] = useState<{ id: string; secret: Secret }>();
  const act = useAct(CreateAccountDocument, {
    changes: [["accounts"]],
    then: ({ createAccount: { account, secretToken } }) => {
      onClose();
      setMade({
        id: account.id,
        secret: { title: `The first token of ${account.name}`, hint: "It sends events for the account, and manages it.", value: secretToken },
      });
    },
  });
  return (
    <>
      <FormDialog
        open={open}
        onClose={() => {
          act.reset();
          onClose();
        }}
        title="New account"
        action="Create the account"
        busy={act.isPending}
        error={act.error && !fieldMessage(act.error, "name") && !fieldMessage(act.error, "email") && !fieldMessage(act.error, "website") ? act.error : undefined}
        onSubmit={(form) => act.mutate({ input: { name: textOf(form, "name"), email: textOf(form, "email"), website: textOf(form, "website") || undefined } })}
      >
        <TextField label="Name" name="name" error={fieldMessage(act.error, "name")} required />
        <TextField label="E-mail" name="email" type="email" hint="Of its owner; no two accounts have the same." error={fieldMessage(act.error, "email")} required />
        <TextField label="Website" name="website" type="url" placeholder="https://" optional error={fieldMessage(act.error, "website")} />
      </FormDialog>
      <SecretDialog
        secret={made?.secret}
        onClose={() => {
          void navigate({ to: "/accounts/$accountID", params: { accountID: made!.id } });
          setMade(undefined);
        }}
      />
    </>
  );
}
