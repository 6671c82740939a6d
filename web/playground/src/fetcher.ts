import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { withoutBareCredential } from "./credential";

/**
 * Sends operations to the endpoint with what the headers editor says, subscriptions over a WebSocket, which takes them as
 * its parameters. Without a token there, who is signed in at the dashboard asks as who that is.
 */
export function newFetcher(endpoint: string): Fetcher {
  const subscriptionUrl = new URL(endpoint, location.href).href.replace(/^http/, "ws");
  const send = createGraphiQLFetcher({ url: endpoint, subscriptionUrl });
  return (params, options) =>
    send(params, { ...options, headers: withoutBareCredential(options?.headers ?? {}) });
}
