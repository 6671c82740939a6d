import { useQuery } from "@tanstack/react-query";
import { ask } from "../api/queries";
import { HealthTimelineDocument, type DestinationState } from "../gql/graphql";
import { Strip } from "../charts/strip";
import { StateBadge, stateName } from "../ui/badge";
import { Moment, useNow } from "../ui/moment";
import { Failed, Skeleton } from "../ui/page";
import { reasonGiven } from "../ui/reasons";
import { span } from "../ui/time";

const colours: Record<DestinationState, string> = {
  SENDING: "var(--series-2)",
  OPEN: "var(--series-bad)",
  PAUSED: "var(--series-3)",
  DISABLED: "var(--series-none)",
};

/** The states that a destination has had. */
export function HealthTimeline({ destinationID }: { destinationID: string }) {
  const now = useNow();
  const { data, error } = useQuery(ask(["destination", destinationID, "timeline"], HealthTimelineDocument, { id: destinationID }));
  if (error && !data) return <Failed error={error} />;
  const all = data?.destination?.health.timeline;
  if (!all) return <Skeleton height="56px" />;
  const spans = all.map((s) => ({ ...s, start: Date.parse(s.from), end: s.to ? Date.parse(s.to) : Math.max(now, Date.parse(s.from)) }));
  const newest = spans.slice(-6).reverse();
  return (
    <>
      <Strip
        label="The states that it has had, the oldest first"
        stretches={spans.map((s) => ({ from: new Date(s.start), to: new Date(s.end), name: stateName(s.state), colour: colours[s.state] }))}
      />
      <ol className="timeline" aria-label="Its newest states">
        {newest.map((s) => (
          <li key={s.from}>
            <StateBadge state={s.state} />
            <span className="timeline-text">
              {reasonGiven(s.reason)} <span className="muted">{by(s.actor)}</span>
            </span>
            <span className="muted">for {span(s.end - s.start)}</span>
            <Moment at={s.from} />
          </li>
        ))}
      </ol>
    </>
  );
}

function by(actor: string | null): string {
  if (!actor) return "";
  return actor === "system" ? "by the system" : actor === "admin" ? "by the administrator" : `by the token ${actor}`;
}
