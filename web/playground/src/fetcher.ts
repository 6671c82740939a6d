import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { withoutBareCredential } from "./credential";

/** Sends operations to the endpoint with what the headers editor says. */
export function newFetcher(endpoint: string): Fetcher {
  const send = createGraphiQLFetcher({ url: endpoint });
  return (params, options) =>
    send(params, { ...options, headers: withoutBareCredential(options?.headers ?? {}) });
}
