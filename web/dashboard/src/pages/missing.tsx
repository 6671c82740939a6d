import { Problem } from "../api/problem";
import { Failed, Page, type Crumb } from "../ui/page";

// These are functions and no components: the heading stays the one that was there, with the focus that it may have.

/** What is shown where something does not exist, or is another account's. */
export function missing(what: string, crumbs: Crumb[]) {
  return (
    <Page title={`No such ${what}`} crumbs={crumbs}>
      <Failed error={new Problem("not_found", `there is no ${what} with this id: it was deleted, or belongs to another account`)} />
    </Page>
  );
}

/** What is shown where something could not be asked for. */
export function unloaded(what: string, crumbs: Crumb[], { error, refetch }: { error: unknown; refetch: () => unknown }) {
  return (
    <Page title={`The ${what} could not be loaded`} crumbs={crumbs}>
      <Failed error={error} retry={() => void refetch()} />
    </Page>
  );
}
