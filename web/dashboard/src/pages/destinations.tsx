import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Webhook } from "lucide-react";
import { useState } from "react";
import type { DestinationWhereInput } from "../gql/graphql";
import { useViewer } from "../shell/viewer";
import { destinationStates, stateName } from "../ui/badge";
import { Button, ButtonLink } from "../ui/button";
import { Choice, Filters, SearchBox } from "../ui/filters";
import { Empty, Page } from "../ui/page";
import { NewDestination } from "./destination-form";
import { DestinationList, NoDestination } from "./destination-list";
import { SecretDialog, type Secret } from "../ui/secret";

const states = [...destinationStates.map((s) => [s, stateName(s)] as const), ["NOT_SENDING", "Not sending"] as const];

/** All destinations that the viewer sees. */
export function Destinations() {
  const search = useSearch({ from: "/inside/destinations" });
  const navigate = useNavigate({ from: "/destinations" });
  const { isAdmin, accountID, manages } = useViewer();
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<{ id: string; secret: Secret }>();
  const set = (part: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const { q, state, account } = search;
  const filtered = Boolean(q || state || account);
  const where: DestinationWhereInput | undefined = filtered
    ? { ...(state === "NOT_SENDING" ? { stateNEQ: "SENDING" as const } : state && { state }), ...(account && { accountID: account }), ...(q && { or: [{ nameContainsFold: q }, { urlContainsFold: q }, { id: q }] }) }
    : undefined;
  const button = accountID && manages && (
    <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
      New destination
    </Button>
  );
  return (
    <Page title="Destinations" actions={button}>
      <Filters active={filtered} onClear={() => void navigate({ search: {} })}>
        <SearchBox label="Find a destination" placeholder="Name, URL or id" value={q} onChange={(q) => set({ q })} />
        <Choice label="State" any="Any state" value={state} values={states} onChange={(state) => set({ state })} />
      </Filters>
      <DestinationList
        where={where}
        owners={isAdmin}
        none={
          filtered ? (
            <Empty icon={Webhook} title="No destination fits">
              Destinations are found by a part of their name or URL, or by their id.
            </Empty>
          ) : (
            <NoDestination action={isAdmin ? <ButtonLink to="/accounts">Choose an account for it</ButtonLink> : button} />
          )
        }
      />
      {accountID && (
        <NewDestination open={making} onClose={() => setMaking(false)} accountID={accountID} onMade={(id, secret) => setMade({ id, secret })} />
      )}
      <SecretDialog
        secret={made?.secret}
        onClose={() => {
          void navigate({ to: "/destinations/$destinationID", params: { destinationID: made!.id } });
          setMade(undefined);
        }}
      />
    </Page>
  );
}
