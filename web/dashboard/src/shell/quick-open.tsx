import { Dialog } from "@base-ui/react/dialog";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Building2, CornerDownLeft, Hash, Webhook, type LucideIcon, ArrowRight } from "lucide-react";
import { useDeferredValue, useEffect, useId, useState, type KeyboardEvent } from "react";
import { ask, nodes } from "../api/queries";
import { FindByNameDocument, FindDeliveryDocument } from "../gql/graphql";
import { usePlaces } from "./places";
import { useViewer } from "./viewer";
import { complain } from "../ui/toast";

interface Hit {
  key: string;
  label: string;
  about: string;
  icon: LucideIcon;
  go: () => void | Promise<void>;
}

/** Goes anywhere by a name or an id. */
export function QuickOpen({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Viewport className="dialog-viewport dialog-viewport-top">
          <Dialog.Popup className="dialog quick" aria-label="Find or go to">
            <Finder onClose={onClose} />
          </Dialog.Popup>
        </Dialog.Viewport>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const hits = useHits(text.trim());
  const id = useId();
  const chosen = Math.min(at, hits.length - 1);
  useEffect(() => setAt(0), [text]);

  const go = async (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    try {
      await hit.go();
    } catch (error) {
      complain("It was not found", error);
    }
  };
  const keys = (event: KeyboardEvent) => {
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setAt((to + hits.length) % Math.max(1, hits.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      void go(hits[chosen]);
    }
  };
  return (
    <>
      <input
        className="quick-input"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={keys}
        placeholder="An id, a name, a URL, or a page"
        role="combobox"
        aria-label="Find or go to"
        aria-expanded={hits.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={hits[chosen] && `${id}-${chosen}`}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
      />
      <ul className="quick-list" role="listbox" id={`${id}-list`} aria-label="What was found">
        {hits.map((hit, i) => (
          <li
            key={hit.key}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onPointerMove={() => setAt(i)}
            onClick={() => void go(hit)}
          >
            <hit.icon aria-hidden />
            <span className="quick-label">{hit.label}</span>
            <span className="muted">{hit.about}</span>
            {i === chosen && <CornerDownLeft aria-hidden />}
          </li>
        ))}
      </ul>
      {hits.length === 0 && <p className="quick-none muted">Nothing has this name. Ids begin with evt_, dlv_, dst_, acc_ or rpl_.</p>}
    </>
  );
}

function useHits(text: string): Hit[] {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const places = usePlaces();
  const { isAdmin } = useViewer();
  const named = useDeferredValue(text);
  const found = useQuery({
    ...ask(["find"], FindByNameDocument, {
      destinations: { or: [{ nameContainsFold: named }, { urlContainsFold: named }] },
      accounts: { or: [{ nameContainsFold: named }, { emailContainsFold: named }] },
    }),
    enabled: named.length >= 2 && !isID(named),
    placeholderData: keepPreviousData,
  });
  if (isID(text)) return [byID(text)];
  const pages = places.map(({ label, link }) => ({ label: label === "Settings" && isAdmin ? "Settings and system health" : label, link }));
  const matching = pages.filter(({ label }) => label.toLowerCase().includes(text.toLowerCase()));
  const hits: Hit[] = matching.map(({ label, link }) => ({ key: label, label, about: "Page", icon: ArrowRight, go: () => navigate(link) }));
  if (named.length < 2) return hits;
  return [
    ...nodes(found.data?.destinations).map((d) => ({
      key: d.id, label: d.name ?? d.url, about: d.name ? d.url : "Destination", icon: Webhook,
      go: () => navigate({ to: "/destinations/$destinationID", params: { destinationID: d.id } }),
    })),
    ...nodes(found.data?.accounts).map((a) => ({
      key: a.id, label: a.name, about: a.email, icon: Building2,
      go: () => navigate({ to: "/accounts/$accountID", params: { accountID: a.id } }),
    })),
    ...hits,
  ];

  function byID(id: string): Hit {
    const kinds: Record<string, [string, () => Promise<void>]> = {
      evt: ["Event", () => navigate({ to: "/events/$eventID", params: { eventID: id } })],
      dst: ["Destination", () => navigate({ to: "/destinations/$destinationID", params: { destinationID: id } })],
      acc: ["Account", () => navigate({ to: "/accounts/$accountID", params: { accountID: id } })],
      rpl: ["Replay", () => navigate({ to: "/replays/$replayID", params: { replayID: id } })],
      dlv: [
        "Delivery",
        async () => {
          const { delivery } = await queries.fetchQuery(ask(["delivery", id], FindDeliveryDocument, { id }));
          if (!delivery) throw new Error("there is no delivery with this id");
          await navigate({ to: "/events/$eventID", params: { eventID: delivery.eventID }, search: { delivery: id } });
        },
      ],
    };
    const [about, go] = kinds[id.slice(0, 3)]!;
    return { key: id, label: id, about, icon: Hash, go };
  }
}

const isID = (text: string) => /^(evt|dlv|dst|acc|rpl)_\w+$/.test(text);
