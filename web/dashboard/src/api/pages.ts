import { infiniteQueryOptions, useInfiniteQuery, type QueryKey } from "@tanstack/react-query";
import type { TypedDocumentString } from "../gql/graphql";
import { nodes } from "./queries";
import { request } from "./request";

interface Connection<Node> {
  totalCount?: number;
  edges: ReadonlyArray<{ node: Node | null } | null> | null;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The pages of a list, one after the other as they are needed. */
export function usePages<Result, Variables extends { after?: string | null }, Node>(
  about: QueryKey,
  operation: TypedDocumentString<Result, Variables>,
  variables: Variables,
  of: (result: Result) => Connection<Node>,
  options: { refetchInterval?: number | false; enabled?: boolean } = {},
) {
  const query = useInfiniteQuery({
    ...infiniteQueryOptions({
      queryKey: [...about, variables],
      queryFn: ({ signal, pageParam }) => request(operation, { ...variables, after: pageParam }, signal),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => {
        const { hasNextPage, endCursor } = of(last).pageInfo;
        return hasNextPage ? endCursor : undefined;
      },
    }),
    ...options,
    // What was shown with another filter stays until the answer is there; of something else nothing does.
    placeholderData: (before, query) => (same(query?.queryKey.slice(0, -1), about) ? before : undefined),
    // Who has scrolled far is not made to load everything again.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 2 && options.refetchInterval) || false,
  });
  const first = query.data?.pages[0];
  return {
    ...query,
    rows: query.data?.pages.flatMap((page) => nodes(of(page))),
    total: first && of(first).totalCount,
    more: { has: query.hasNextPage, loading: query.isFetchingNextPage, load: () => void query.fetchNextPage() },
  };
}
