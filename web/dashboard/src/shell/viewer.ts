import { useSuspenseQuery } from "@tanstack/react-query";
import { ask } from "../api/queries";
import { ViewerDocument, type ViewerQuery } from "../gql/graphql";

/** Who is signed in. */
export const viewerQuery = { ...ask(["viewer"], ViewerDocument, {}), staleTime: 60_000, meta: { asks: true } };

export type Viewer = ViewerQuery["viewer"];

/** Who is signed in; only under the routes that ask for it first. */
export function useViewer() {
  const { viewer } = useSuspenseQuery(viewerQuery).data;
  return {
    ...viewer,
    isAdmin: viewer.kind === "ADMIN",
    /** Whether it may change something. */
    manages: viewer.scopes.includes("MANAGE"),
    /** The account that it sees alone; undefined for the admin. */
    accountID: viewer.account?.id,
  };
}
