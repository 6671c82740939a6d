import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { withoutBareCredential } from "./credential";

/**
 * Sends operations to the endpoint with what the headers editor says. Subscriptions
 * go over a WebSocket, which carries the headers in its first message.
 */
export function newFetcher(endpoint: string): Fetcher {
  const socket = new URL(endpoint, location.href);
  socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
  const send = createGraphiQLFetcher({ url: endpoint, subscriptionUrl: socket.href });
  return (params, options) =>
    send(params, { ...options, headers: withoutBareCredential(options?.headers ?? {}) });
}
