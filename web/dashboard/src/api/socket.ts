import { createClient, type Client } from "graphql-ws";
import { useEffect, useRef, useState } from "react";
import type { TypedDocumentString } from "../gql/graphql";

let client: Client | undefined;
let connected = false;

/** The one connection for subscriptions, opened when it is first needed and closed when nobody is. */
function socket(): Client {
  client ??= createClient({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    lazyCloseTimeout: 5_000,
    keepAlive: 15_000,
    retryAttempts: Infinity,
    retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** retries, 15_000))),
    shouldRetry: () => true,
    on: {
      connected: () => (connected = true),
      closed: () => (connected = false),
    },
  });
  return client;
}

/** Closes the connection: what comes next is somebody else's. */
export function hangUp(): void {
  void client?.dispose();
  client = undefined;
  connected = false;
}

/** How a subscription is doing. */
export type Liveness = "off" | "connecting" | "live";

/**
 * Subscribes while it is enabled. onData is called with each event, onReady whenever the subscription has begun
 * (again): what happened before has to be asked for then.
 */
export function useSubscription<Result, Variables extends Record<string, unknown>>(
  operation: TypedDocumentString<Result, Variables>,
  variables: Variables,
  on: { data: (data: Result) => void; ready?: () => void },
  enabled = true,
): Liveness {
  const [liveness, setLiveness] = useState<Liveness>("off");
  const handlers = useRef(on);
  handlers.current = on;
  const key = JSON.stringify(variables);
  useEffect(() => {
    if (!enabled) return setLiveness("off");
    setLiveness("connecting");
    const c = socket();
    const begun = () => {
      setLiveness("live");
      handlers.current.ready?.();
    };
    const stops = [
      c.on("connected", begun),
      c.on("closed", () => setLiveness("connecting")),
      c.subscribe<Result>(
        { query: operation.toString(), variables: JSON.parse(key) as Variables },
        {
          next: ({ data }) => {
            setLiveness("live");
            if (data) handlers.current.data(data);
          },
          error: () => setLiveness("off"),
          complete: () => setLiveness("off"),
        },
      ),
    ];
    if (connected) begun();
    return () => stops.forEach((stop) => stop());
  }, [operation, key, enabled]);
  return liveness;
}
