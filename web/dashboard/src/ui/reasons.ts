import type { DeliveryStatus, DestinationState } from "../gql/graphql";

const classes: Record<string, string> = {
  timeout: "no answer came in time",
  dns: "the host's name was not found",
  connect: "nobody listens there",
  tls: "the TLS handshake failed",
  closed: "the connection was closed before an answer came",
  protocol: "the answer was not HTTP",
  blocked: "its address is not allowed by the egress policy",
  "blocked by egress policy": "its address is not allowed by the egress policy",
  url_too_long: "the event does not fit into the URL of a GET",
  invalid_request: "no request can be made of it",
  destination_deleted: "its destination was deleted",
  account_deleted: "its account was deleted",
};

/** A reason such as http_503 or attempts_exhausted: timeout in words, without a full stop. */
export function reasonInWords(reason: string | null | undefined): string {
  if (!reason) return "";
  const [head = "", ...tail] = reason.split(": ");
  const rest = reasonInWords(tail.join(": "));
  const known: Record<string, string> = {
    attempts_exhausted: `all attempts of the schedule are used up; at the last one ${rest}`,
    given_up: `it is too old to go on; at the last attempt ${rest}`,
    failing: `several deliveries in a row failed; at the last one ${rest}`,
    "failing for too long": `nothing has succeeded for days; at the last attempt ${rest}`,
  };
  if (rest && known[head]) return known[head];
  const status = /^http_(\d+)$/.exec(reason)?.[1];
  if (status) return `the answer was ${status}${status === "410" ? ", which says that it is gone for good" : ""}`;
  return classes[reason] ?? reason;
}

/** A reason in words where somebody has given one: what says no more than the state does is left out. */
export function reasonGiven(reason: string | null | undefined): string {
  return reason === "paused by its owner" || reason === "disabled by its owner" ? "" : reasonInWords(reason);
}

interface Waiting {
  status: DeliveryStatus;
  reason: string | null;
  destination: { state: DestinationState; reason: string | null } | null;
}

/** Why a delivery stands where it stands, as a sentence. */
export function whyItWaits({ status, reason, destination }: Waiting): string {
  const words = reasonInWords(reason);
  const because = words ? `: ${words}` : "";
  switch (status) {
    case "PENDING":
      return "Accepted, and about to be attempted.";
    case "DELIVERING":
      return "An attempt is under way; the receiver takes its time.";
    case "RETRYING":
      return `The last attempt failed${because}.`;
    case "PARKED":
      return `Held${reasonGiven(reason) && because}. ${parkedBecause(destination?.state)}`;
    case "SUCCEEDED":
      return "The destination has accepted it.";
    case "FAILED":
      return `Given up${because}.`;
    case "CANCELED":
      return `Canceled${because}.`;
  }
}

function parkedBecause(state: DestinationState | undefined): string {
  switch (state) {
    case "SENDING":
      return "The destination sends again: it goes out in its turn.";
    case "PAUSED":
      return "The destination is paused: it goes out when it is resumed.";
    case "OPEN":
      return "The destination keeps failing: it goes out when a probe succeeds.";
    case "DISABLED":
      return "The destination is disabled: it goes out when it is resumed.";
    case undefined:
      return "";
  }
}
