import { useMutation, useQueryClient, type DataTag, type QueryClient, type QueryKey } from "@tanstack/react-query";
import type { TypedDocumentString } from "../gql/graphql";
import { request } from "../api/request";
import { complain, say } from "./toast";

interface ActOptions<Result, Variables> {
  /** What was done, as a sentence: told when it is. */
  done?: string | ((result: Result) => string);
  /** What could not be done: told when it was not; without it the caller shows the error. */
  failed?: string;
  /** What has to be asked for again: the beginnings of the queries' keys. */
  changes?: QueryKey[];
  then?: (result: Result, variables: Variables) => void;
  /** Shows at once what will most likely be, where a failure can take it back; it returns how. */
  meanwhile?: (client: QueryClient, variables: Variables) => () => void;
}

/**
 * Shows what a query will most likely answer in a moment, as edit makes it of what it has answered. The function that
 * it returns takes that back.
 */
export function foresee<Data>(
  client: QueryClient,
  { queryKey }: { queryKey: DataTag<QueryKey, Data, Error> },
  edit: (data: Data) => Data,
): () => void {
  const before = client.getQueryData<Data>(queryKey);
  void client.cancelQueries({ queryKey });
  client.setQueryData<Data>(queryKey, (data) => data && edit(data));
  return () => client.setQueryData<Data>(queryKey, before);
}

/** Runs a mutation, tells what became of it, and asks again for what it has changed. */
export function useAct<Result, Variables>(
  operation: TypedDocumentString<Result, Variables>,
  { done, failed, changes = [], then, meanwhile }: ActOptions<Result, Variables> = {},
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (variables: Variables) => request(operation, variables),
    onMutate: (variables) => ({ undo: meanwhile?.(client, variables) }),
    onSuccess(result, variables) {
      if (done) say(typeof done === "string" ? done : done(result));
      then?.(result, variables);
      for (const queryKey of changes) void client.invalidateQueries({ queryKey });
    },
    onError(error, _variables, context) {
      context?.undo?.();
      if (failed) complain(failed, error);
    },
  });
}
