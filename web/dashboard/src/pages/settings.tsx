import { useQuery } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { ask } from "../api/queries";
import { SystemDocument, ViewerSessionDocument } from "../gql/graphql";
import { theme, zone } from "../shell/preferences";
import { useViewer } from "../shell/viewer";
import { Badge } from "../ui/badge";
import { Moment } from "../ui/moment";
import { Card, Fact, Facts, Failed, Page, Skeleton, Tile } from "../ui/page";
import { Segments } from "../ui/segments";
import { bytes, count } from "../ui/size";
import { span } from "../ui/time";

/** What one has chosen, who one is, and how the system is doing. */
export function Settings() {
  const { isAdmin, kind, scopes, account } = useViewer();
  const { data } = useQuery(ask(["viewer", "session"], ViewerSessionDocument, {}));
  return (
    <Page title="Settings">
      {isAdmin && <Health />}
      <div className="columns">
        <Card title="This browser">
          <div className="setting">
            <div>
              <b className="strong">Colours</b>
              <p className="muted small">Light, dark, or as this machine has them.</p>
            </div>
            <Segments label="Colours" value={theme.use()} values={[["system", "System"], ["light", "Light"], ["dark", "Dark"]] as const} onChange={theme.set} />
          </div>
          <div className="setting">
            <div>
              <b className="strong">Times</b>
              <p className="muted small">In your zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}, or in UTC.</p>
            </div>
            <Segments label="Times" value={zone.use()} values={[["local", "Your zone"], ["UTC", "UTC"]] as const} onChange={zone.set} />
          </div>
        </Card>
        <Card title="You">
          <Facts>
            <Fact name="Signed in as">{kind === "ADMIN" ? "Administrator" : account?.name}</Fact>
            <Fact name="May">{scopes.map((scope) => ({ INGEST: "send events", READ: "read", MANAGE: "change" })[scope]).join(", ")}</Fact>
            <Fact name="Session ends">{data ? data.viewer.expiresAt ? <Moment at={data.viewer.expiresAt} as="full" /> : "never" : <Skeleton width="12em" />}</Fact>
          </Facts>
        </Card>
        <Card title="For developers">
          <ul className="plain-list links">
            <li>
              <a href="/playground">Playground</a> <span className="muted">GraphQL by hand, step by step</span>
            </li>
            <li>
              <a href="/schema.graphql">schema.graphql</a> <span className="muted">the whole API</span>
            </li>
            <li>
              <a href="/openapi.json">openapi.json</a> <span className="muted">the doors for events</span>
            </li>
          </ul>
        </Card>
      </div>
    </Page>
  );
}

function Health() {
  const { data, error, refetch } = useQuery({ ...ask(["system"], SystemDocument, {}), refetchInterval: 5_000 });
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />;
  const system = data?.system;
  return (
    <>
      <h2 className="section-title">System health</h2>
      <dl className="tiles">
        <Tile
          name="Database"
          value={system ? <Badge tone="ok">{system.database.kind === "POSTGRES" ? "Postgres" : "SQLite"}</Badge> : "–"}
          about={system && `${system.database.version.split(" ").slice(0, 2).join(" ")}, ${bytes(system.database.sizeBytes)}`}
        />
        <Tile name="Round trip to it" value={system ? span(system.database.roundTripMs) : "–"} about={system && `clock ${system.database.clockOffsetMs >= 0 ? "+" : "−"}${span(Math.abs(system.database.clockOffsetMs))}`} />
        <Tile
          name="Engine"
          value={system ? <Badge tone={system.engine.ready ? "ok" : "bad"}>{system.engine.ready ? "Ready" : "Not ready"}</Badge> : "–"}
          about={
            system &&
            (system.engine.error ??
              (system.engine.url ? (
                <a href={system.engine.url} target="_blank" rel="noreferrer">
                  {system.engine.name} <ExternalLink aria-hidden />
                </a>
              ) : (
                system.engine.name
              )))
          }
        />
        <Tile name="Backlog" value={system ? count(system.backlog.pending + system.backlog.retrying + system.backlog.parked) : "–"} about={system && `${count(system.backlog.parked)} parked`} />
        <Tile name="Processes" value={system ? count(system.processes.length) : "–"} about="seen in the last 5 minutes" />
        <Tile name="Up for" value={system ? <Moment at={system.startedAt} as="age" /> : "–"} about="this process" />
      </dl>
      <div className="columns">
        <Card title="Versions">
          <Facts>
            <Fact name="Data Pusher">{system?.version ?? <Skeleton width="6em" />}</Fact>
            <Fact name="Revision">{system?.commit && <code>{system.commit.slice(0, 12)}</code>}</Fact>
            <Fact name="Go">{system?.goVersion}</Fact>
            <Fact name="Database">{system?.database.version}</Fact>
          </Facts>
        </Card>
        <Card title="Processes" flush>
          <ul className="rows rows-plain">
            {system?.processes.map((p) => (
              <li key={p.id}>
                <code className="breakable">{p.id}</code>
                {p.current ? <Badge tone="info">This one</Badge> : <span />}
                <span className="rows-end">
                  <span className="muted">seen </span>
                  <Moment at={p.lastSeenAt} as="relative" />
                </span>
              </li>
            ))}
          </ul>
        </Card>
      </div>
    </>
  );
}
