import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { fieldMessage } from "../api/problem";
import { CreateDestinationDocument, UpdateDestinationDocument, type HttpMethod } from "../gql/graphql";
import { useAct } from "../ui/act";
import { Button, IconButton } from "../ui/button";
import { FormDialog } from "../ui/dialog";
import { Group, SelectField, TextField, textOf } from "../ui/form";
import { Notice } from "../ui/notice";
import type { Secret } from "../ui/secret";

const methods: HttpMethod[] = ["POST", "PUT", "PATCH", "DELETE", "GET"];

export interface Editable {
  id: string;
  name: string | null;
  url: string;
  httpMethod: HttpMethod;
  headers: ReadonlyArray<{ name: string; value: string }>;
  retrySchedule: readonly string[];
  timeout: string;
  giveUpAfter: string | null;
}

interface FormProps {
  open: boolean;
  onClose: () => void;
}

/** Makes a destination of an account. */
export function NewDestination({ open, onClose, accountID, onMade }: FormProps & { accountID: string; onMade: (id: string, secret: Secret) => void }) {
  const act = useAct(CreateDestinationDocument, {
    changes: [["destinations"], ["account", accountID]],
    then: ({ createDestination: { destination, signingSecret } }) => {
      onClose();
      onMade(destination.id, {
        title: `The signing secret of ${destination.name ?? destination.url}`,
        hint: "Your receiver checks with it that a request comes from here, and is what was sent.",
        value: signingSecret,
      });
    },
  });
  return (
    <Settings
      {...{ open, onClose, act }}
      title="New destination"
      action="Create the destination"
      onSubmit={(settings, form) =>
        act.mutate({ input: { accountID, ...settings, signingAlgorithm: textOf(form, "signingAlgorithm") === "ED25519" ? "ED25519" : "HMAC_SHA256" } })
      }
    />
  );
}

/** Changes a destination. */
export function EditDestination({ open, onClose, destination }: FormProps & { destination: Editable }) {
  const act = useAct(UpdateDestinationDocument, {
    done: "The destination is changed. Attempts that begin from now on use it.",
    changes: [["destinations"], ["destination", destination.id], ["audit"]],
    then: onClose,
  });
  return (
    <Settings
      {...{ open, onClose, act, destination }}
      title="Edit the destination"
      action="Save"
      onSubmit={(settings) => act.mutate({ input: { id: destination.id, ...settings } })}
    />
  );
}

interface Values {
  url: string;
  httpMethod: HttpMethod;
  name: string;
  headers?: { name: string; value: string }[];
  retrySchedule: string[];
  timeout: string;
  giveUpAfter: string;
}

interface SettingsProps extends FormProps {
  title: string;
  action: string;
  act: { error: unknown; isPending: boolean; reset: () => void };
  destination?: Editable;
  onSubmit: (values: Values, form: FormData) => void;
}

const named = ["url", "name", "headers", "retrySchedule", "timeout", "giveUpAfter"];

function Settings({ open, onClose, title, action, act, destination, onSubmit }: SettingsProps) {
  const error = (name: string) => fieldMessage(act.error, name);
  return (
    <FormDialog
      open={open}
      onClose={() => {
        act.reset();
        onClose();
      }}
      title={title}
      action={action}
      busy={act.isPending}
      error={act.error && !named.some(error) ? act.error : undefined}
      onSubmit={(form) => {
        const names = form.getAll("headerName").map(String);
        const values = form.getAll("headerValue").map(String);
        const headers = names.flatMap((name, i) => (name.trim() ? [{ name: name.trim(), value: values[i] ?? "" }] : []));
        onSubmit(
          {
            url: textOf(form, "url"),
            httpMethod: textOf(form, "httpMethod") as HttpMethod,
            name: textOf(form, "name"),
            ...(sameHeaders(headers, destination?.headers ?? []) ? {} : { headers }),
            retrySchedule: textOf(form, "retrySchedule").split(/[\s,]+/).filter(Boolean),
            timeout: textOf(form, "timeout") || "0s",
            giveUpAfter: textOf(form, "giveUpAfter") || "0s",
          },
          form,
        );
      }}
    >
      <div className="form-row form-row-method">
        <SelectField label="Method" name="httpMethod" defaultValue={destination?.httpMethod ?? "POST"}>
          {methods.map((method) => (
            <option key={method}>{method}</option>
          ))}
        </SelectField>
        <TextField label="URL" name="url" type="url" defaultValue={destination?.url} placeholder="https://shop.example/webhooks" error={error("url")} required />
      </div>
      <TextField label="Name" name="name" defaultValue={destination?.name ?? ""} placeholder="Shop backend" optional error={error("name")} />
      <HeaderFields headers={destination?.headers ?? []} error={error("headers")} />
      <details className="more" open={named.slice(3).some(error) || undefined}>
        <summary>Retries and time limits</summary>
        <div className="form">
          <TextField
            label="Retry schedule" name="retrySchedule" className="mono" defaultValue={destination?.retrySchedule.map(short).join(" ")}
            placeholder="5s 5m 30m 2h 5h 10h 14h 20h 24h" optional error={error("retrySchedule")}
            hint="The waits after each attempt that fails. With the last of them used up, a delivery has failed."
          />
          <div className="form-row">
            <TextField label="Timeout of an attempt" name="timeout" className="mono" defaultValue={short(destination?.timeout)} placeholder="15s" optional error={error("timeout")} hint="1s to 30s." />
            <TextField label="Give up after" name="giveUpAfter" className="mono" defaultValue={short(destination?.giveUpAfter ?? undefined)} placeholder="never" optional error={error("giveUpAfter")} hint="1m to 90d, without the time that it is parked." />
          </div>
        </div>
      </details>
      {!destination && (
        <SelectField label="Signature" name="signingAlgorithm" defaultValue="HMAC_SHA256" hint="After Standard Webhooks: there are libraries for most languages.">
          <option value="HMAC_SHA256">HMAC-SHA256, with a secret that both sides know</option>
          <option value="ED25519">Ed25519, with a public key for the receiver</option>
        </SelectField>
      )}
    </FormDialog>
  );
}

/** 1h0m0s as 1h. */
function short(duration: string | undefined): string {
  return (duration ?? "").replace(/(?<=[a-z])0[a-z]+/g, "") || "";
}

function sameHeaders(a: readonly { name: string; value: string }[], b: readonly { name: string; value: string }[]): boolean {
  return a.length === b.length && a.every(({ name, value }, i) => name === b[i]!.name && value === b[i]!.value);
}

function HeaderFields({ headers, error }: { headers: ReadonlyArray<{ name: string; value: string }>; error: string | undefined }) {
  const [rows, setRows] = useState(() => headers.map((header, key) => ({ key, ...header })));
  const masked = headers.some(({ value }) => value === "••••");
  return (
    <Group label="Headers of its own" error={error}>
      {masked && <Notice>Their values are shown to whoever may change the account. What you save here takes their place.</Notice>}
      {rows.map(({ key, name, value }) => (
        <div className="header-row" key={key}>
          <input className="input mono" name="headerName" defaultValue={name} placeholder="X-Shop" aria-label="Name of the header" />
          <input className="input mono" name="headerValue" defaultValue={value} placeholder="value" aria-label="Value of the header" />
          <IconButton icon={Trash2} label="Remove the header" onClick={() => setRows((all) => all.filter((row) => row.key !== key))} />
        </div>
      ))}
      <Button kind="quiet" icon={Plus} onClick={() => setRows((all) => [...all, { key: Math.max(-1, ...all.map((row) => row.key)) + 1, name: "", value: "" }])}>
        Add a header
      </Button>
    </Group>
  );
}
