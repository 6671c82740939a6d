import { keepPreviousData, useQuery, type QueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Ban, ChevronDown, Clock, ExternalLink, RotateCw } from "lucide-react";
import { useId, useState } from "react";
import { fieldMessage } from "../api/problem";
import { ask, nodes } from "../api/queries";
import {
  CancelDeliveryDocument, DeliveryAttemptsDocument, EventDocument, PostponeDeliveryDocument, RetryDeliveryDocument,
  type AttemptDetailsFragment, type EventDeliveryFragment,
} from "../gql/graphql";
import { Legend } from "../charts/time-chart";
import { Waterfall, waterfallLegend } from "../charts/waterfall";
import { useViewer } from "../shell/viewer";
import { foresee, useAct } from "../ui/act";
import { AnswerBadge, StatusBadge } from "../ui/badge";
import { Button } from "../ui/button";
import { Code, Headers } from "../ui/code";
import { Confirm, FormDialog } from "../ui/dialog";
import { SelectField, TextField, textOf } from "../ui/form";
import { Menu } from "../ui/menu";
import { Moment } from "../ui/moment";
import { Skeleton } from "../ui/page";
import { reasonInWords, whyItWaits } from "../ui/reasons";
import { count, plural } from "../ui/size";
import { span } from "../ui/time";

interface DeliveryCardProps {
  eventID: string;
  delivery: EventDeliveryFragment;
  open: boolean;
  /** The number of the attempt that is shown in full; the last one where none is named. */
  attempt: number | undefined;
  onOpen: (open: boolean, attempt?: number) => void;
}

/** One delivery: why it stands where it stands, what was tried, what can be done. */
export function DeliveryCard({ eventID, delivery, open, attempt, onOpen }: DeliveryCardProps) {
  const { manages } = useViewer();
  const [asking, setAsking] = useState<"cancel" | "postpone">();
  const id = useId();
  const changes = [["event", eventID], ["attempts", delivery.id], ["events"], ["audit"]];
  const retry = useAct(RetryDeliveryDocument, { done: "The next attempt is made now.", failed: "It is not retried", changes, meanwhile: (client) => showUnderWay(client, eventID, delivery.id) });
  const settled = ["SUCCEEDED", "FAILED", "CANCELED"].includes(delivery.status);
  const { destination } = delivery;
  return (
    <section className="card delivery" aria-labelledby={`${id}-title`}>
      <header className="delivery-head">
        <button type="button" className="delivery-toggle" aria-expanded={open} aria-controls={`${id}-body`} onClick={() => onOpen(!open)}>
          <ChevronDown aria-hidden className={open ? "" : "turned"} />
          <span className="hidden">{open ? "Less of" : "More of"} this delivery</span>
        </button>
        <div className="two">
          <h3 id={`${id}-title`}>
            {destination ? (
              <Link to="/destinations/$destinationID" params={{ destinationID: destination.id }}>
                {destination.name ?? new URL(destination.url).host}
              </Link>
            ) : (
              "A destination that was deleted"
            )}
          </h3>
          <span className="muted mono">{destination && `${destination.httpMethod} ${destination.url}`}</span>
        </div>
        <StatusBadge status={delivery.status} />
        {manages && (
          <div className="delivery-actions">
            {delivery.status !== "SUCCEEDED" && delivery.status !== "CANCELED" && destination && (
              <Button icon={RotateCw} busy={retry.isPending} onClick={() => retry.mutate({ input: { deliveryID: delivery.id } })}>
                Retry now
              </Button>
            )}
            {!settled && (
              <Menu
                label="More actions"
                items={[
                  { label: "Postpone", icon: Clock, onSelect: () => setAsking("postpone") },
                  { label: "Cancel the delivery", icon: Ban, danger: true, onSelect: () => setAsking("cancel") },
                ]}
              />
            )}
          </div>
        )}
      </header>
      <div className="delivery-why">
        <p>{whyItWaits(delivery)}</p>
        <p className="delivery-meta">
          {delivery.nextAttemptAt && !settled && (
            <span>
              Next attempt <Moment at={delivery.nextAttemptAt} />
            </span>
          )}
          {delivery.parkedAt && (
            <span>
              Parked <Moment at={delivery.parkedAt} />
            </span>
          )}
          {delivery.settledAt && (
            <span>
              Settled <Moment at={delivery.settledAt} /> after {plural(delivery.attemptCount, "attempt")}, {span(Date.parse(delivery.settledAt) - Date.parse(delivery.createdAt))} after it was accepted
            </span>
          )}
          {delivery.engineURL && (
            <a href={delivery.engineURL} target="_blank" rel="noreferrer">
              In the Temporal UI <ExternalLink aria-hidden />
            </a>
          )}
        </p>
      </div>
      {open && (
        <div id={`${id}-body`} className="delivery-body">
          <Attempts delivery={delivery} chosen={attempt} onChoose={(number) => onOpen(true, number)} />
        </div>
      )}
      <Cancel open={asking === "cancel"} onClose={() => setAsking(undefined)} delivery={delivery} changes={changes} />
      <Postpone open={asking === "postpone"} onClose={() => setAsking(undefined)} delivery={delivery} changes={changes} />
    </section>
  );
}

const underWay = { status: "DELIVERING", nextAttemptAt: null, parkedAt: null } as const;

/** Shows a delivery as it will be in a moment: its next attempt is made at once. */
function showUnderWay(client: QueryClient, eventID: string, id: string): () => void {
  return foresee(client, ask(["event", eventID], EventDocument, { id: eventID }), ({ event }) => ({
    event: event && {
      ...event,
      deliveries: {
        ...event.deliveries,
        edges: (event.deliveries.edges ?? []).map((edge) =>
          edge?.node?.id === id ? { ...edge, node: { ...edge.node, ...underWay } } : edge,
        ),
      },
    },
  }));
}

const askers: Record<AttemptDetailsFragment["askedBy"], string> = {
  SCHEDULE: "by the schedule",
  OPERATOR: "by an operator",
  REPLAY: "by a replay",
  PROBE: "as a probe",
};

/** How many attempts are asked for: the newest. */
const most = 50;

function Attempts({ delivery, chosen, onChoose }: { delivery: EventDeliveryFragment; chosen: number | undefined; onChoose: (number: number) => void }) {
  const query = useQuery({
    ...ask(["attempts", delivery.id], DeliveryAttemptsDocument, { id: delivery.id, last: most }),
    placeholderData: keepPreviousData,
    // What was attempted is recorded a moment before or after the delivery is told of.
    refetchInterval: (q) => (nodes(q.state.data?.delivery?.attempts).length < Math.min(most, delivery.attemptCount) ? 1000 : false),
  });
  const attempts = nodes(query.data?.delivery?.attempts);
  if (!query.data) return <Skeleton height="90px" />;
  if (attempts.length === 0) return <p className="muted pad">No attempt has been made yet.</p>;
  const shown = attempts.find((a) => a.number === chosen) ?? attempts.at(-1)!;
  const scale = Math.max(...attempts.map((a) => a.timings.totalMs));
  const all = query.data.delivery?.attempts.totalCount ?? 0;
  return (
    <>
      {all > attempts.length && (
        <p className="muted small pad">
          The newest {attempts.length} of {count(all, 1000)} attempts.
        </p>
      )}
      <ol className="attempts" aria-label="Attempts">
        {attempts.map((a, i) => (
          <li key={a.id}>
            {i > 0 && <Gap from={attempts[i - 1]!} to={a} />}
            <button type="button" className="attempt" aria-pressed={a.id === shown.id} onClick={() => onChoose(a.number)}>
              <span className="attempt-number">{a.number}</span>
              <AnswerBadge status={a.status} errorClass={a.errorClass} />
              <Waterfall timings={a.timings} scale={scale} />
              <span className="attempt-time">{span(a.durationMs)}</span>
              <span className="attempt-when muted">
                <Moment at={a.startedAt} /> <span className="attempt-asker">{askers[a.askedBy]}</span>
              </span>
            </button>
          </li>
        ))}
      </ol>
      <div className="pad">
        <Legend entries={waterfallLegend} />
      </div>
      <Exchange attempt={shown} delivery={delivery} />
      <details className="more history">
        <summary>Everything that has happened to it</summary>
        <ol>
          {query.data.delivery?.timeline.map((entry, i) => (
            <li key={i}>
              <Moment at={entry.at} /> <span>{entry.text}</span>
            </li>
          ))}
        </ol>
      </details>
    </>
  );
}

function Gap({ from, to }: { from: AttemptDetailsFragment; to: AttemptDetailsFragment }) {
  const ms = Date.parse(to.startedAt) - Date.parse(from.startedAt) - from.durationMs;
  return <p className="attempt-gap muted">waited {span(Math.max(0, ms))}</p>;
}

/** Request and answer, side by side. */
function Exchange({ attempt, delivery }: { attempt: AttemptDetailsFragment; delivery: EventDeliveryFragment }) {
  const { destination } = delivery;
  return (
    <div className="exchange">
      <section aria-label={`Request of attempt ${attempt.number}`}>
        <h4>
          Request <span className="muted">of attempt {attempt.number}</span>
        </h4>
        {destination && (
          <p className="exchange-line mono">
            {destination.httpMethod} {destination.url}
          </p>
        )}
        <Headers headers={attempt.requestHeaders} label="Headers of the request" />
        <p className="muted small">{destination?.httpMethod === "GET" ? "The event is in the query." : "The body is the payload, byte for byte."}</p>
      </section>
      <section aria-label={`Answer to attempt ${attempt.number}`}>
        <h4>Answer</h4>
        {attempt.status == null ? (
          <p className="exchange-line">
            <AnswerBadge status={null} errorClass={attempt.errorClass} /> {attempt.error ?? reasonInWords(attempt.errorClass)}
          </p>
        ) : (
          <>
            <p className="exchange-line">
              <AnswerBadge status={attempt.status} errorClass={null} /> <span className="muted">after {span(attempt.durationMs)}</span>
            </p>
            <Headers headers={attempt.responseHeaders} label="Headers of the answer" />
            {attempt.responseBody ? (
              <Code text={attempt.responseBody} label="the answer's body" height={280} />
            ) : (
              <p className="muted small">It has no body.</p>
            )}
            {attempt.responseTruncated && <p className="muted small">The answer was longer than what is kept of it.</p>}
          </>
        )}
      </section>
    </div>
  );
}

interface AskProps {
  open: boolean;
  onClose: () => void;
  delivery: EventDeliveryFragment;
  changes: string[][];
}

function Cancel({ open, onClose, delivery, changes }: AskProps) {
  const act = useAct(CancelDeliveryDocument, { done: "The delivery is canceled.", changes, then: onClose });
  return (
    <Confirm {...{ open, onClose }} title="Cancel this delivery?" action="Cancel the delivery" danger busy={act.isPending} error={act.error} onConfirm={() => act.mutate({ input: { deliveryID: delivery.id } })}>
      The destination does not get this event. An attempt that is under way is not broken off. To send it later after all, replay the event.
    </Confirm>
  );
}

function Postpone({ open, onClose, delivery, changes }: AskProps) {
  const act = useAct(PostponeDeliveryDocument, { done: "The next attempt is put off.", changes, then: onClose });
  return (
    <FormDialog
      {...{ open, onClose }}
      size="small"
      title="Postpone the next attempt"
      action="Postpone"
      busy={act.isPending}
      error={act.error && !fieldMessage(act.error, "until") ? act.error : undefined}
      onSubmit={(form) =>
        act.mutate({
          input: { deliveryID: delivery.id, until: new Date(Date.now() + Number(textOf(form, "minutes")) * 60_000).toISOString(), reason: textOf(form, "reason") || undefined },
        })
      }
    >
      <SelectField label="By" name="minutes" defaultValue="60" error={fieldMessage(act.error, "until")}>
        <option value="5">5 minutes</option>
        <option value="60">An hour</option>
        <option value="360">6 hours</option>
        <option value="1440">A day</option>
        <option value="10080">A week</option>
      </SelectField>
      <TextField label="Why" name="reason" optional hint="For the audit log." />
    </FormDialog>
  );
}
