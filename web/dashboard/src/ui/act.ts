import { useMutation, useQueryClient, type QueryClient, type QueryKey } from "@tanstack/react-query";
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
  meanwhile?: (client: QueryClient) => () => void;
}

/** Runs a mutation, tells what became of it, and asks again for what it has changed. */
export function useAct<Result, Variables>(
  operation: TypedDocumentString<Result, Variables>,
  { done, failed, changes = [], then, meanwhile }: ActOptions<Result, Variables> = {},
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (variables: Variables) => request(operation, variables),
    onMutate: () => ({ undo: meanwhile?.(client) }),
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
