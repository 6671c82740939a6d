import { useQuery, type QueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CirclePause, CirclePlay, CircleX, Zap } from "lucide-react";
import { useState } from "react";
import { ask } from "../api/queries";
import { CancelReplayDocument, PauseReplayDocument, ReplayDocument, ResumeReplayDocument, type ReplayQuery, type ReplayStatus } from "../gql/graphql";
import { Histogram } from "../charts/histogram";
import { useViewer } from "../shell/viewer";
import { foresee, useAct } from "../ui/act";
import { ReplayBadge, statusName } from "../ui/badge";
import { Button, ButtonLink } from "../ui/button";
import { ID, ShortID } from "../ui/copy";
import { Confirm } from "../ui/dialog";
import { Moment } from "../ui/moment";
import { Card, Fact, Facts, Page, Skeleton } from "../ui/page";
import { Progress } from "../ui/progress";
import { count } from "../ui/size";
import { span } from "../ui/time";
import { everything } from "./accepted";
import { missing, unloaded } from "./missing";

const under = (status: string | undefined) => status === "RUNNING" || status === "PAUSED";

/** One bulk replay: how far it is, and how what it has sent stands. */
export function Replay() {
  const { replayID } = useParams({ from: "/inside/replays/$replayID" });
  const { manages } = useViewer();
  const [canceling, setCanceling] = useState(false);
  const query = useQuery({
    ...ask(["replay", replayID], ReplayDocument, { id: replayID }),
    refetchInterval: ({ state: { data } }) => (under(data?.replay?.status) ? 500 : data?.replay && waits(data.replay) ? 2_000 : false),
  });
  const replay = query.data?.replay;
  const changes = [["replay", replayID], ["replays"], ["audit"]];
  const pause = useAct(PauseReplayDocument, { failed: "It is not paused", changes, meanwhile: (client) => showAs(client, replayID, "PAUSED") });
  const resume = useAct(ResumeReplayDocument, { failed: "It is not resumed", changes, meanwhile: (client) => showAs(client, replayID, "RUNNING") });
  const cancel = useAct(CancelReplayDocument, { done: "The replay is canceled. What it has sent goes on.", changes, then: () => setCanceling(false) });
  const crumbs = [{ label: "Replays", link: { to: "/replays" } as const }];
  if (query.data && !replay) return missing("replay", crumbs);
  if (query.error && !query.data) return unloaded("replay", crumbs, query);
  const input = { input: { id: replayID } };
  const left = replay ? Math.max(0, replay.matched - replay.replayed - replay.skipped) : 0;
  return (
    <Page
      title="Replay"
      crumbs={crumbs}
      beside={replay && <ReplayBadge status={replay.status} />}
      about={
        <>
          <ID id={replayID} what="the replay's id" />
          {replay ? <Moment at={replay.createdAt} as="full" /> : <Skeleton width="18em" />}
        </>
      }
      actions={
        <>
          <ButtonLink to="/events" search={{ replay: replayID }} icon={Zap}>
            Its events
          </ButtonLink>
          {manages && replay?.status === "RUNNING" && (
            <Button icon={CirclePause} busy={pause.isPending} onClick={() => pause.mutate(input)}>
              Pause
            </Button>
          )}
          {manages && replay?.status === "PAUSED" && (
            <Button kind="primary" icon={CirclePlay} busy={resume.isPending} onClick={() => resume.mutate(input)}>
              Resume
            </Button>
          )}
          {manages && under(replay?.status) && (
            <Button kind="danger" icon={CircleX} onClick={() => setCanceling(true)}>
              Cancel
            </Button>
          )}
        </>
      }
    >
      <Card title="Progress" beside={replay?.status === "RUNNING" && left > 0 && <span className="muted small">about {span((left / replay.rate) * 1000)} to go</span>}>
        {replay ? (
          <>
            <Progress label="Events replayed" done={replay.replayed + replay.skipped} of={replay.matched} />
            <p className="muted small">
              {count(replay.replayed)} events sent once more, in {count(replay.deliveries)} deliveries; {count(replay.skipped)} had no destination left. {count(replay.rate)} a second.
            </p>
          </>
        ) : (
          <Skeleton height="40px" />
        )}
      </Card>
      <div className="columns">
        <Card title="Its deliveries">{replay && <Report report={replay.report} />}</Card>
        <Card title="What was asked for">
          {replay && (
            <Facts>
              <Fact name="Account">
                <Link to="/accounts/$accountID" params={{ accountID: replay.accountID }}>
                  <ShortID id={replay.accountID} />
                </Link>
              </Fact>
              <Fact name="Accepted from">
                {Date.parse(replay.from) > Date.parse(everything) ? <Moment at={replay.from} as="full" /> : "the first on"}
              </Fact>
              <Fact name="Accepted before">
                <Moment at={replay.to} as="full" />
              </Fact>
              <Fact name="With a delivery that is">{replay.statuses.length ? replay.statuses.map(statusName).join(", ") : "whatever it is"}</Fact>
              <Fact name="Went to">
                {replay.destinationID ? (
                  <Link to="/destinations/$destinationID" params={{ destinationID: replay.destinationID }}>
                    <ShortID id={replay.destinationID} />
                  </Link>
                ) : (
                  "any destination"
                )}
              </Fact>
              <Fact name="Type">{replay.eventType ?? "any"}</Fact>
              <Fact name="Asked for by">{replay.actor === "admin" ? "the administrator" : <code>{replay.actor}</code>}</Fact>
              <Fact name="Why">{replay.reason}</Fact>
              <Fact name="Ended">{replay.finishedAt && <Moment at={replay.finishedAt} as="full" />}</Fact>
            </Facts>
          )}
        </Card>
      </div>
      <Confirm open={canceling} onClose={() => setCanceling(false)} title="Cancel this replay?" action="Cancel the replay" danger busy={cancel.isPending} error={cancel.error} onConfirm={() => cancel.mutate(input)}>
        The {count(left)} events that are left are not sent. What it has sent goes on, and it cannot be resumed.
      </Confirm>
    </Page>
  );
}

/** Shows a replay with a status that it will have in a moment. */
function showAs(client: QueryClient, id: string, status: ReplayStatus): () => void {
  return foresee(client, ask(["replay", id], ReplayDocument, { id }), ({ replay }) => ({ replay: replay && { ...replay, status } }));
}

type Details = NonNullable<ReplayQuery["replay"]>;

const waits = ({ report }: Details) => report.pending + report.retrying + report.parked > 0;

function Report({ report }: { report: Details["report"] }) {
  return (
    <Histogram
      label="How its deliveries stand"
      bins={[
        { name: "Succeeded", value: report.succeeded, colour: "var(--series-2)" },
        { name: "Pending", value: report.pending, colour: "var(--series-1)" },
        { name: "Retrying", value: report.retrying, colour: "var(--series-warn)" },
        { name: "Parked", value: report.parked, colour: "var(--series-3)" },
        { name: "Failed", value: report.failed, colour: "var(--series-bad)" },
        { name: "Canceled", value: report.canceled, colour: "var(--series-none)" },
      ]}
    />
  );
}
