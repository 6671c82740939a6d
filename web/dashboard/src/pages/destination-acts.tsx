import type { QueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { fieldMessage, inWords } from "../api/problem";
import { ask } from "../api/queries";
import {
  DeleteDestinationDocument, DestinationDocument, PauseDestinationDocument, PreviewDeliveryDocument, ResumeDestinationDocument, RotateSigningSecretDocument,
  SendTestEventDocument,
} from "../gql/graphql";
import { foresee, useAct } from "../ui/act";
import { Code, Headers } from "../ui/code";
import { Confirm, Dialog, FormDialog } from "../ui/dialog";
import { SelectField, TextField, textOf } from "../ui/form";
import { isJSON } from "../ui/json";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/page";
import { SecretDialog, type Secret } from "../ui/secret";
import { plural } from "../ui/size";
import type { DestinationDetails } from "./destination";

const Editor = lazy(() => import("../editor/editor"));

interface ActProps {
  open: boolean;
  onClose: () => void;
  destination: DestinationDetails;
}

const changesOf = (d: DestinationDetails) => [["destination", d.id], ["destinations"], ["deliveries", d.id], ["audit"]];

type Stand = Pick<DestinationDetails, "state" | "reason" | "pausedUntil">;

/** Shows a destination as it will stand in a moment. */
const showAs = (client: QueryClient, id: string, stand: Stand) =>
  foresee(client, ask(["destination", id], DestinationDocument, { id }), ({ destination }) => ({
    destination: destination && { ...destination, ...stand, health: { ...destination.health, since: new Date().toISOString() } },
  }));

export function Pausing({ open, onClose, destination }: ActProps) {
  const act = useAct(PauseDestinationDocument, {
    done: "Paused. What comes is parked.", changes: changesOf(destination), then: onClose,
    meanwhile: (client, { input: { reason, until } }) => showAs(client, destination.id, { state: "PAUSED", reason: reason ?? null, pausedUntil: until ?? null }),
  });
  return (
    <FormDialog
      {...{ open, onClose }}
      size="small"
      title="Pause this destination"
      description="Its deliveries park, in the order of acceptance, and nothing is lost. An attempt that is under way ends as usual."
      action="Pause"
      busy={act.isPending}
      error={act.error && !fieldMessage(act.error, "reason") ? act.error : undefined}
      onSubmit={(form) => {
        const minutes = Number(textOf(form, "minutes"));
        act.mutate({
          input: {
            destinationID: destination.id,
            until: minutes ? new Date(Date.now() + minutes * 60_000).toISOString() : undefined,
            reason: textOf(form, "reason") || undefined,
          },
        });
      }}
    >
      <SelectField label="It goes on" name="minutes" defaultValue="0">
        <option value="0">When somebody resumes it</option>
        <option value="15">In 15 minutes</option>
        <option value="60">In an hour</option>
        <option value="480">In 8 hours</option>
        <option value="1440">In a day</option>
      </SelectField>
      <TextField label="Why" name="reason" placeholder="Maintenance" optional error={fieldMessage(act.error, "reason")} hint="Shown wherever something waits for it." />
    </FormDialog>
  );
}

export function Resuming({ open, onClose, destination }: ActProps) {
  const act = useAct(ResumeDestinationDocument, {
    done: "Resumed. What was parked goes out.", changes: changesOf(destination), then: onClose,
    meanwhile: (client) => showAs(client, destination.id, { state: "SENDING", reason: null, pausedUntil: null }),
  });
  const waits = destination.health.parkedCount;
  return (
    <FormDialog
      {...{ open, onClose }}
      size="small"
      title="Resume this destination"
      description={waits ? `${plural(waits, "delivery goes", "deliveries go")} out, in the order of acceptance.` : "Nothing waits: new deliveries go out at once."}
      action="Resume"
      busy={act.isPending}
      error={act.error && !fieldMessage(act.error, "rate") ? act.error : undefined}
      onSubmit={(form) => {
        const rate = Number(textOf(form, "rate"));
        act.mutate({ input: { destinationID: destination.id, rate: rate || undefined } });
      }}
    >
      <SelectField label="How fast" name="rate" defaultValue="0" error={fieldMessage(act.error, "rate")}>
        <option value="0">10 a second, then twice as many each second</option>
        <option value="1">1 a second</option>
        <option value="10">10 a second</option>
        <option value="100">100 a second</option>
        <option value="1000">1,000 a second</option>
      </SelectField>
    </FormDialog>
  );
}

export function Deleting({ open, onClose, destination, onDeleted }: ActProps & { onDeleted: () => void }) {
  const act = useAct(DeleteDestinationDocument, { done: "The destination is deleted.", changes: [["destinations"], ["account", destination.accountID]], then: onDeleted });
  return (
    <Confirm {...{ open, onClose }} title="Delete this destination?" action="Delete the destination" danger busy={act.isPending} error={act.error} onConfirm={() => act.mutate({ input: { id: destination.id } })}>
      New events no longer go there, and deliveries that wait are canceled. What was delivered stays in the history. To hold it for a while, pause it instead.
    </Confirm>
  );
}

export function Rotating({ open, onClose, destination }: ActProps) {
  const [secret, setSecret] = useState<Secret>();
  const act = useAct(RotateSigningSecretDocument, {
    changes: [["audit"]],
    then: ({ rotateSigningSecret }) => {
      onClose();
      setSecret({ title: "The new signing secret", hint: "Give it to the receiver before the old one ends.", value: rotateSigningSecret.signingSecret });
    },
  });
  return (
    <>
      <FormDialog
        {...{ open, onClose }}
        size="small"
        title="Rotate the signing secret"
        description="Until the old one ends, requests carry a signature of each, so that the receiver can change in its own time."
        action="Rotate"
        busy={act.isPending}
        error={act.error}
        onSubmit={(form) => act.mutate({ input: { destinationID: destination.id, overlap: textOf(form, "overlap") } })}
      >
        <SelectField label="The old one is used" name="overlap" defaultValue="24h">
          <option value="0s">No longer</option>
          <option value="1h">For an hour more</option>
          <option value="24h">For a day more</option>
          <option value="7d">For a week more</option>
        </SelectField>
      </FormDialog>
      <SecretDialog secret={secret} onClose={() => setSecret(undefined)} />
    </>
  );
}

const sample = '{\n  "test": true\n}';

export function Testing({ open, onClose, destination }: ActProps) {
  const navigate = useNavigate();
  const [text, setText] = useState(sample);
  const act = useAct(SendTestEventDocument, {
    done: "The test event is on its way.",
    changes: [["events"], ["deliveries", destination.id]],
    then: ({ sendTestEvent: { event } }) => void navigate({ to: "/events/$eventID", params: { eventID: event.id } }),
  });
  return (
    <FormDialog
      {...{ open, onClose }}
      title="Send a test event"
      description="It goes to this destination alone, whatever its state, and is attempted once."
      action="Send it"
      busy={act.isPending}
      disabled={!isJSON(text)}
      error={act.error && !fieldMessage(act.error, "eventType") ? act.error : undefined}
      onSubmit={(form) => act.mutate({ input: { destinationID: destination.id, payload: text, eventType: textOf(form, "eventType") } })}
    >
      <TextField label="Type" name="eventType" defaultValue="test" error={fieldMessage(act.error, "eventType")} />
      <div className="field">
        <span className="field-label">Payload</span>
        {open && (
          <Suspense fallback={<Skeleton height="160px" />}>
            <Editor initial={text} label="The payload of the test event" onChange={setText} />
          </Suspense>
        )}
      </div>
    </FormDialog>
  );
}

export function Previewing({ open, onClose, destination }: ActProps) {
  const act = useAct(PreviewDeliveryDocument);
  useEffect(() => {
    if (open) act.mutate({ input: { destinationID: destination.id } });
  }, [open]);
  const request = act.data?.previewDelivery.request;
  return (
    <Dialog {...{ open, onClose }} title="Preview of a request" description="What the destination would get now for a test event, signature included. Nothing is stored or sent.">
      {act.error && <Notice kind="bad">{inWords(act.error)}</Notice>}
      {!request && !act.error && <Skeleton height="200px" />}
      {request && (
        <>
          <p className="exchange-line mono">
            {request.method} {request.url}
          </p>
          <Headers headers={request.headers} label="Headers of the request" />
          {request.body && <Code text={request.body} label="the body" />}
        </>
      )}
    </Dialog>
  );
}
