import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { PencilLine, Repeat2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { fieldMessage } from "../api/problem";
import { ask, cut, nodes } from "../api/queries";
import { ReplayEventDocument, ReplayTargetsDocument, type EventQuery } from "../gql/graphql";
import { useAct } from "../ui/act";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Checkbox, Group } from "../ui/form";
import { isJSON, pretty } from "../ui/json";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/page";
import { Segments } from "../ui/segments";
import { inWords } from "../api/problem";
import { StateBadge } from "../ui/badge";

const Editor = lazy(() => import("../editor/editor"));
const Diff = lazy(() => import("../editor/diff"));

type Event = NonNullable<EventQuery["event"]>;

interface ReplayDialogProps {
  open: boolean;
  onClose: () => void;
  event: Event;
}

/** Sends an event once more: as it was, or with another payload, to where it went or elsewhere. */
export function ReplayDialog({ open, onClose, event }: ReplayDialogProps) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      size="large"
      title="Replay this event"
      description="It goes out once more as an event of its own; this one stays as it is."
    >
      {open && <Form onClose={onClose} event={event} />}
    </Dialog>
  );
}

type Way = "same" | "edit" | "diff";

function Form({ onClose, event }: Omit<ReplayDialogProps, "open">) {
  const navigate = useNavigate();
  const [way, setWay] = useState<Way>("same");
  // Only what is edited is indented: what goes as it was goes byte for byte.
  const original = useMemo(() => pretty(event.payload), [event.payload]);
  const [text, setText] = useState(original);
  const [targets, setTargets] = useState<ReadonlySet<string>>(new Set());
  const choices = useQuery(ask(["replay targets", event.accountID], ReplayTargetsDocument, { accountID: event.accountID })).data?.destinations;
  const destinations = nodes(choices);
  const act = useAct(ReplayEventDocument, {
    done: "The event is replayed.",
    changes: [["event", event.id], ["events"], ["audit"]],
    then: ({ replayEvent }) => void navigate({ to: "/events/$eventID", params: { eventID: replayEvent.event.id }, search: {} }),
  });
  const valid = way === "same" || isJSON(text);
  const edited = way !== "same" && text !== original;
  const error = fieldMessage(act.error, "payload") ?? fieldMessage(act.error, "destinationIDs") ?? (act.error ? inWords(act.error) : undefined);
  return (
    <form
      className="form"
      onSubmit={(submit) => {
        submit.preventDefault();
        act.mutate({
          input: { eventID: event.id, payload: edited ? text : undefined, destinationIDs: targets.size ? [...targets] : undefined },
        });
      }}
    >
      <div className="replay-bar">
        <Segments
          label="Payload"
          value={way}
          values={[
            ["same", "As it was"],
            ["edit", "Edit"],
            ["diff", "Compare"],
          ]}
          onChange={setWay}
        />
        <span className="muted small" role="status">
          {way === "same" ? "Byte for byte" : !valid ? "This is not JSON yet" : edited ? "Edited" : "Nothing is changed yet"}
        </span>
      </div>
      {way !== "same" && (
        <Suspense fallback={<Skeleton height="320px" />}>
          {way === "edit" ? <Editor initial={text} label="The payload to send" onChange={setText} /> : <Diff original={original} edited={text} onChange={setText} />}
        </Suspense>
      )}
      <Group label="Where it goes" hint={[cut(choices, 10_000), targets.size === 0 && "Nothing chosen: where it went before, as far as these destinations are left."].filter(Boolean).join(" ")}>
        <div className="targets">
          {destinations.map((d) => (
            <Checkbox
              key={d.id}
              checked={targets.has(d.id)}
              onChange={(change) => {
                const next = new Set(targets);
                if (change.target.checked) next.add(d.id);
                else next.delete(d.id);
                setTargets(next);
              }}
              label={
                <span className="target">
                  {d.name ?? d.url} {d.state !== "SENDING" && <StateBadge state={d.state} />}
                </span>
              }
            />
          ))}
        </div>
      </Group>
      {error && <Notice kind="bad">{error}</Notice>}
      <div className="form-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" type="submit" busy={act.isPending} disabled={!valid} icon={edited ? PencilLine : Repeat2}>
          {edited ? "Replay with the edit" : "Replay"}
        </Button>
      </div>
    </form>
  );
}
