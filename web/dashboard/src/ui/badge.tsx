import type { DeliveryStatus, DestinationState, ReplayStatus } from "../gql/graphql";

export type Tone = "ok" | "warn" | "bad" | "hold" | "info" | "none";

const deliveries: Record<DeliveryStatus, [Tone, string]> = {
  PENDING: ["info", "Pending"],
  DELIVERING: ["info", "Delivering"],
  RETRYING: ["warn", "Retrying"],
  PARKED: ["hold", "Parked"],
  SUCCEEDED: ["ok", "Succeeded"],
  FAILED: ["bad", "Failed"],
  CANCELED: ["none", "Canceled"],
};

const states: Record<DestinationState, [Tone, string]> = {
  SENDING: ["ok", "Sending"],
  PAUSED: ["hold", "Paused"],
  OPEN: ["bad", "Open"],
  DISABLED: ["none", "Disabled"],
};

const replays: Record<ReplayStatus, [Tone, string]> = {
  RUNNING: ["info", "Running"],
  PAUSED: ["hold", "Paused"],
  CANCELED: ["none", "Canceled"],
  COMPLETED: ["ok", "Completed"],
};

/** All statuses of deliveries, in the order of a delivery's life. */
export const deliveryStatuses = Object.keys(deliveries) as DeliveryStatus[];

/** The word for a status. */
export const statusName = (status: DeliveryStatus) => deliveries[status][1];
export const statusTone = (status: DeliveryStatus) => deliveries[status][0];

/** All states of destinations. */
export const destinationStates = Object.keys(states) as DestinationState[];
export const stateName = (state: DestinationState) => states[state][1];
export const stateTone = (state: DestinationState) => states[state][0];

/** A word on a coloured ground, with a dot: the colour is never all there is. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={`badge tone-${tone}`}>
      <span className="dot" aria-hidden />
      {children}
    </span>
  );
}

export const StatusBadge = ({ status }: { status: DeliveryStatus }) => <Badge tone={deliveries[status][0]}>{deliveries[status][1]}</Badge>;
export const StateBadge = ({ state }: { state: DestinationState }) => <Badge tone={states[state][0]}>{states[state][1]}</Badge>;
export const ReplayBadge = ({ status }: { status: ReplayStatus }) => <Badge tone={replays[status][0]}>{replays[status][1]}</Badge>;

/** The status of an answer, or why there was none. */
export function AnswerBadge({ status, errorClass }: { status: number | null; errorClass: string | null }) {
  if (status == null) return <Badge tone="bad">{errorClass ?? "no answer"}</Badge>;
  return <Badge tone={status < 300 ? "ok" : status < 500 ? "warn" : "bad"}>{String(status)}</Badge>;
}
