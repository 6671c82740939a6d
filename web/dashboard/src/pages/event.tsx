import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Inbox, Repeat2 } from "lucide-react";
import { ask, cut, nodes } from "../api/queries";
import { useSubscription } from "../api/socket";
import { EventDeliveriesUpdatedDocument, EventDocument } from "../gql/graphql";
import { useViewer } from "../shell/viewer";
import { Button } from "../ui/button";
import { Code } from "../ui/code";
import { ID, ShortID } from "../ui/copy";
import { Moment } from "../ui/moment";
import { Card, Empty, Fact, Facts, Page, Skeleton } from "../ui/page";
import { bytes, count } from "../ui/size";
import { missing, unloaded } from "./missing";
import { DeliveryCard } from "./delivery-card";
import { LiveMark } from "./events";
import { ReplayDialog } from "./replay-event";

/** One event, and what became of it. */
export function Event() {
  const { eventID } = useParams({ from: "/inside/events/$eventID" });
  const { delivery: chosen, attempt, replay } = useSearch({ from: "/inside/events/$eventID" });
  const { isAdmin, manages } = useViewer();
  const navigate = useNavigate({ from: "/events/$eventID" });
  const queries = useQueryClient();
  const query = useQuery(ask(["event", eventID], EventDocument, { id: eventID }));
  const event = query.data?.event;
  const deliveries = nodes(event?.deliveries);
  const again = () => void queries.invalidateQueries({ queryKey: ["event", eventID] });
  const liveness = useSubscription(
    EventDeliveriesUpdatedDocument,
    { eventID },
    {
      data: ({ deliveryUpdated: { delivery, skipped } }) => {
        again();
        void queries.invalidateQueries({ queryKey: skipped > 0 ? ["attempts"] : ["attempts", delivery.id] });
      },
      ready: again,
    },
    Boolean(event),
  );
  const crumbs = [{ label: "Events", link: { to: "/events" } as const }];
  if (query.data && !event) return missing("event", crumbs);
  if (query.error && !query.data) return unloaded("event", crumbs, query);

  const expanded = chosen ?? (deliveries.find((d) => d.status !== "SUCCEEDED") ?? deliveries.toSorted((a, b) => b.attemptCount - a.attemptCount)[0])?.id;
  return (
    <Page
      title={event?.eventType ?? "Event"}
      crumbs={crumbs}
      beside={event && <LiveMark liveness={liveness} />}
      about={
        <>
          <ID id={eventID} what="the event's id" />
          {event ? <Moment at={event.createdAt} as="full" /> : <Skeleton width="18em" />}
        </>
      }
      actions={
        manages && (
          <Button icon={Repeat2} kind="primary" disabled={!event} onClick={() => void navigate({ search: (before) => ({ ...before, replay: true }) })}>
            Replay…
          </Button>
        )
      }
    >
      <div className="event-grid">
        <div className="event-main">
          <h2 className="section-title">
            Deliveries {event && <span className="count">{count(event.deliveries.totalCount)}</span>}
          </h2>
          {!event && <Skeleton height="180px" />}
          {event && deliveries.length === 0 && (
            <Card>
              <Empty icon={Inbox} title="It went nowhere">
                The account had no destination when it came. Give it one, and replay the event.
              </Empty>
            </Card>
          )}
          {deliveries.map((delivery) => (
            <DeliveryCard
              key={delivery.id}
              eventID={eventID}
              delivery={delivery}
              open={expanded === delivery.id}
              attempt={expanded === delivery.id ? attempt : undefined}
              onOpen={(open, attempt) => void navigate({ search: { delivery: open ? delivery.id : "none", attempt }, replace: true, resetScroll: false })}
            />
          ))}
          {cut(event?.deliveries) && <p className="muted">{cut(event?.deliveries, 1000)} Each destination's page lists all of its own.</p>}
        </div>
        <div className="event-side">
          <Card title="Event">
            <Facts>
              {isAdmin && (
                <Fact name="Account">
                  {event?.account ? (
                    <Link to="/accounts/$accountID" params={{ accountID: event.account.id }}>
                      {event.account.name}
                    </Link>
                  ) : (
                    event && "deleted"
                  )}
                </Fact>
              )}
              <Fact name="Type">{event?.eventType}</Fact>
              <Fact name="Size">{event && bytes(event.size)}</Fact>
              <Fact name="Idempotency key">{event?.idempotencyKey && <code>{event.idempotencyKey}</code>}</Fact>
              {event?.replayOf && (
                <Fact name="Replay of">
                  <Link to="/events/$eventID" params={{ eventID: event.replayOf.id }} search={{}}>
                    <ShortID id={event.replayOf.id} />
                  </Link>
                </Fact>
              )}
              {event?.replayID && (
                <Fact name="Made by">
                  <Link to="/replays/$replayID" params={{ replayID: event.replayID }}>
                    <ShortID id={event.replayID} />
                  </Link>
                </Fact>
              )}
              {event && event.replays.totalCount > 0 && (
                <Fact name={`Replayed ${event.replays.totalCount === 1 ? "once" : `${count(event.replays.totalCount, 1000)} times`}`}>
                  <ul className="plain-list">
                    {nodes(event.replays).map((replay) => (
                      <li key={replay.id}>
                        <Link to="/events/$eventID" params={{ eventID: replay.id }} search={{}}>
                          <ShortID id={replay.id} />
                        </Link>{" "}
                        <Moment at={replay.createdAt} as="relative" />
                      </li>
                    ))}
                  </ul>
                </Fact>
              )}
            </Facts>
          </Card>
          <Card title="Payload" flush>
            {event ? <Code text={event.payload} label="the payload" height={560} /> : <Skeleton height="160px" />}
          </Card>
        </div>
      </div>
      {event && <ReplayDialog open={manages && Boolean(replay)} onClose={() => void navigate({ search: (before) => ({ ...before, replay: undefined }), replace: true })} event={event} />}
    </Page>
  );
}
