import { KeyRound, Plus, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { fieldMessage } from "../api/problem";
import { CreateTokenDocument, RevokeTokenDocument, RotateTokenDocument, type AccountQuery, type Scope } from "../gql/graphql";
import { useViewer } from "../shell/viewer";
import { useAct } from "../ui/act";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm, FormDialog } from "../ui/dialog";
import { Checkbox, Group, SelectField, TextField, textOf } from "../ui/form";
import { Menu } from "../ui/menu";
import { Moment, useNow } from "../ui/moment";
import { Empty } from "../ui/page";
import { SecretDialog, type Secret } from "../ui/secret";
import { Table, type Column } from "../ui/table";

type Token = NonNullable<NonNullable<NonNullable<NonNullable<AccountQuery["account"]>["tokens"]["edges"]>[number]>["node"]>;

const scopes: [Scope, string, string][] = [
  ["INGEST", "Ingest", "Send events."],
  ["READ", "Read", "See everything of the account."],
  ["MANAGE", "Manage", "Change everything of the account; includes to read."],
];

/** The tokens of an account. */
export function Tokens({ accountID, tokens, cut }: { accountID: string; tokens: Token[] | undefined; cut: string | undefined }) {
  const { manages } = useViewer();
  const now = useNow();
  const [open, setOpen] = useState<"new" | "rotate" | "revoke">();
  const [token, setToken] = useState<Token>();
  const [secret, setSecret] = useState<Secret>();
  const show = (what: "rotate" | "revoke", token: Token) => {
    setToken(token);
    setOpen(what);
  };
  const over = (t: Token) => Boolean(t.revokedAt) || Boolean(t.expiresAt && Date.parse(t.expiresAt) < now);
  const columns: Column<Token>[] = [
    {
      name: "Token", width: "minmax(0, 2fr)", phone: "first",
      cell: (t) => (
        <span className="two">
          <b className={over(t) ? "muted" : "strong"}>{t.name}</b>
          <code className="muted">{t.prefix}…</code>
        </span>
      ),
    },
    {
      name: "Scopes", width: "minmax(0, 1.4fr)", phone: "second",
      cell: (t) => (over(t) ? <Badge tone="none">{t.revokedAt ? "Revoked" : "Expired"}</Badge> : <span className="muted">{t.scopes.map((s) => scopes.find(([scope]) => scope === s)?.[1]).join(", ")}</span>),
    },
    { name: "Last used", width: "190px", cell: (t) => (t.lastUsedAt ? <Moment at={t.lastUsedAt} /> : <span className="muted">never</span>) },
    { name: "Ends", width: "190px", phone: "second-end", cell: (t) => ((t.revokedAt ?? t.expiresAt) ? <Moment at={t.revokedAt ?? t.expiresAt} /> : <span className="muted">never</span>) },
    {
      name: "Actions", quiet: true, width: "48px", align: "end", phone: "first-end",
      cell: (t) =>
        manages && !over(t) ? (
          <Menu
            label={`Actions of ${t.name}`}
            items={[
              { label: "Rotate", icon: RotateCw, onSelect: () => show("rotate", t) },
              { label: "Revoke", icon: Trash2, danger: true, onSelect: () => show("revoke", t) },
            ]}
          />
        ) : null,
    },
  ];
  const button = manages && (
    <Button icon={Plus} onClick={() => setOpen("new")}>
      New token
    </Button>
  );
  return (
    <>
      <div className="above-table">
        <p className="muted">With a token, events are sent and the account is managed. A secret is shown once, when it is made. {cut && `${cut} The newest come first.`}</p>
        {button}
      </div>
      <Table
        label="Tokens"
        columns={columns}
        rows={tokens}
        keyOf={(t) => t.id}
        empty={
          <Empty icon={KeyRound} title="There is no token" action={button}>
            Without one, nobody can send events for this account.
          </Empty>
        }
      />
      <NewToken open={open === "new"} onClose={() => setOpen(undefined)} accountID={accountID} onMade={setSecret} />
      {token && (
        <>
          <Rotate open={open === "rotate"} onClose={() => setOpen(undefined)} accountID={accountID} token={token} onMade={setSecret} />
          <Revoke open={open === "revoke"} onClose={() => setOpen(undefined)} accountID={accountID} token={token} />
        </>
      )}
      <SecretDialog secret={secret} onClose={() => setSecret(undefined)} />
    </>
  );
}

interface PartProps {
  open: boolean;
  onClose: () => void;
  accountID: string;
}

function NewToken({ open, onClose, accountID, onMade }: PartProps & { onMade: (secret: Secret) => void }) {
  const act = useAct(CreateTokenDocument, {
    changes: [["account", accountID]],
    then: ({ createToken: { token, secretToken } }) => {
      onClose();
      onMade({ title: `The token ${token.name}`, hint: "Send it as Authorization: Bearer, followed by the token.", value: secretToken });
    },
  });
  const error = (name: string) => fieldMessage(act.error, name);
  return (
    <FormDialog
      {...{ open, onClose }}
      title="New token"
      action="Create the token"
      busy={act.isPending}
      error={act.error && !["name", "scopes", "expiresAt"].some(error) ? act.error : undefined}
      onSubmit={(form) => {
        const days = Number(textOf(form, "days"));
        act.mutate({
          input: {
            accountID,
            name: textOf(form, "name"),
            scopes: form.getAll("scope") as Scope[],
            expiresAt: days ? new Date(Date.now() + days * 86_400_000).toISOString() : undefined,
          },
        });
      }}
    >
      <TextField label="Name" name="name" placeholder="Warehouse" hint="What it is for." error={error("name")} />
      <Group label="What it may do" error={error("scopes")}>
        {scopes.map(([scope, name, hint]) => (
          <Checkbox key={scope} name="scope" value={scope} label={name} hint={hint} defaultChecked={scope === "INGEST"} />
        ))}
      </Group>
      <SelectField label="It ends" name="days" defaultValue="0" error={error("expiresAt")}>
        <option value="0">Never</option>
        <option value="1">In a day</option>
        <option value="30">In 30 days</option>
        <option value="90">In 90 days</option>
        <option value="365">In a year</option>
      </SelectField>
    </FormDialog>
  );
}

function Rotate({ open, onClose, accountID, token, onMade }: PartProps & { token: Token; onMade: (secret: Secret) => void }) {
  const act = useAct(RotateTokenDocument, {
    changes: [["account", accountID]],
    then: ({ rotateToken: { token, secretToken } }) => {
      onClose();
      onMade({ title: `The new token ${token.name}`, hint: "It has the name, the scopes and the end of the old one.", value: secretToken });
    },
  });
  return (
    <FormDialog
      {...{ open, onClose }}
      size="small"
      title={`Rotate ${token.name}`}
      action="Rotate"
      busy={act.isPending}
      error={act.error}
      onSubmit={(form) => act.mutate({ input: { id: token.id, overlap: textOf(form, "overlap") } })}
    >
      <SelectField label="The old one stays valid" name="overlap" defaultValue="24h" hint="Long enough to change it wherever it is used.">
        <option value="0s">Not at all</option>
        <option value="1h">For an hour</option>
        <option value="24h">For a day</option>
        <option value="7d">For a week</option>
      </SelectField>
    </FormDialog>
  );
}

function Revoke({ open, onClose, accountID, token }: PartProps & { token: Token }) {
  const act = useAct(RevokeTokenDocument, { done: `${token.name} is revoked.`, changes: [["account", accountID]], then: onClose });
  return (
    <Confirm {...{ open, onClose }} title={`Revoke ${token.name}?`} action="Revoke" danger busy={act.isPending} error={act.error} onConfirm={() => act.mutate({ input: { id: token.id } })}>
      Within a second it is refused everywhere. Whoever sends events with it gets an error.
    </Confirm>
  );
}
