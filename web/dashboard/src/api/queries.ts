import { QueryCache, QueryClient, MutationCache, queryOptions, type QueryKey } from "@tanstack/react-query";
import type { TypedDocumentString } from "../gql/graphql";
import { codeOf, isPassing } from "./problem";
import { count } from "../ui/size";
import { request } from "./request";

/** Makes the one client. onSignedOut is called when a session has ended; a query that looks who is there has meta.asks. */
export function newQueryClient(onSignedOut: () => void): QueryClient {
  const look = (error: unknown, asks?: unknown) => {
    if (codeOf(error) === "unauthenticated" && !asks) onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: (error, query) => look(error, query.meta?.asks) }),
    mutationCache: new MutationCache({ onError: (error) => look(error) }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && isPassing(error),
        retryDelay: (failures) => 500 * 2 ** failures,
      },
      mutations: { retry: false },
    },
  });
}

/** The options of a query for one operation. The key begins with what it is about, such as ["event", id]. */
export function ask<Result, Variables>(
  about: QueryKey,
  operation: TypedDocumentString<Result, Variables>,
  variables: Variables,
) {
  return queryOptions({
    queryKey: [...about, variables],
    queryFn: ({ signal }) => request(operation, variables, signal),
  });
}

/** What to say where a list is cut: that it has the first so many of them all; undefined where it has all. */
export function cut(
  connection: { totalCount: number; edges?: ReadonlyArray<unknown> | null } | null | undefined,
  upTo?: number,
): string | undefined {
  const shown = connection?.edges?.length ?? 0;
  return connection && shown < connection.totalCount ? `The first ${shown} of ${count(connection.totalCount, upTo)}.` : undefined;
}

/** The nodes of a connection. */
export function nodes<Node>(
  connection: { edges?: ReadonlyArray<{ node?: Node | null } | null> | null } | null | undefined,
): Node[] {
  return (connection?.edges ?? []).flatMap((edge) => (edge?.node ? [edge.node] : []));
}
