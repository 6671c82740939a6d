import { hashKey, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { nodes } from "../api/queries";
import { request } from "../api/request";
import { useSubscription, type Liveness } from "../api/socket";
import {
  DeliveriesUpdatedDocument, EventReceivedDocument, NewEventsDocument, RefreshEventsDocument,
  type EventRowFragment, type EventsQuery, type EventWhereInput,
} from "../gql/graphql";

type Data = InfiniteData<EventsQuery, string | null>;

/** The time between two looks for what has come, in milliseconds: many events are one question, the first is one at once. */
const pace = 100;

/** How long after something was missed all rows are asked for again, in milliseconds. */
const calm = 1500;

/** How far back is looked for what has come, in milliseconds. */
const overlap = 5000;

/**
 * Keeps a list of events current: new ones come on top, deliveries that change are shown as they are. What has come is
 * asked for with the filter of the list, so that the list holds what fits and nothing else.
 */
export function useLiveEvents(
  key: readonly unknown[],
  filter: { where: EventWhereInput | undefined; accountID: string | undefined; destinationID: string | undefined },
  enabled: boolean,
): { liveness: Liveness; fresh: ReadonlySet<string> } {
  const client = useQueryClient();
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const late = useRef<ReturnType<typeof setTimeout>>(undefined);
  const looked = useRef(0);
  const came = useRef(false);
  const settings = useRef({ key, filter });
  settings.current = { key, filter };

  const change = (update: (rows: EventRowFragment[]) => EventRowFragment[]) =>
    client.setQueryData<Data>(settings.current.key, (data) => data && edited(data, update));

  const rows = () => client.getQueryData<Data>(settings.current.key)?.pages.flatMap((page) => nodes(page.events)) ?? [];

  async function look() {
    looked.current = performance.now();
    const { where } = settings.current.filter;
    const asked = settings.current.key;
    const isShown = () => hashKey(asked) === hashKey(settings.current.key);
    if (client.isFetching({ queryKey: asked, exact: true })) {
      // What is on its way may be older than what has come, and takes its place.
      timer.current = undefined;
      return soon();
    }
    const ids = [...changed.current].slice(0, 100);
    const newest = rows()[0];
    const isNew = came.current;
    came.current = false;
    ids.forEach((id) => changed.current.delete(id));
    try {
      if (isNew) {
        // Ids and commits can cross: what has come may be a little older than what is there.
        const since = newest && new Date(Date.parse(newest.createdAt) - overlap).toISOString();
        const parts = [...(where ? [where] : []), ...(since ? [{ createdAtGTE: since }] : [])];
        const { events } = await request(NewEventsDocument, { where: parts.length ? { and: parts } : undefined });
        if (!isShown()) return;
        const known = new Set(rows().map((row) => row.id));
        const added = nodes(events).filter((row) => !known.has(row.id));
        if (added.length === nodes(events).length && known.size > 0 && events.pageInfo.hasNextPage) {
          // More have come than are asked for at once: the list begins again with the newest.
          client.setQueryData<Data>(asked, { pages: [{ events }], pageParams: [null] });
        } else if (added.length) {
          change((all) => [...added, ...all].sort((a, b) => (a.id < b.id ? 1 : -1)));
        }
        if (added.length) setFresh(new Set(added.map((row) => row.id)));
      }
      const shown = new Set(rows().map((row) => row.id));
      const again = ids.filter((id) => shown.has(id));
      if (again.length) {
        const { events } = await request(RefreshEventsDocument, { ids: again });
        if (!isShown()) return;
        const byID = new Map(nodes(events).map((row) => [row.id, row]));
        change((all) => all.map((row) => byID.get(row.id) ?? row));
      }
    } catch {
      void client.invalidateQueries({ queryKey: asked });
    } finally {
      timer.current = undefined;
      if (changed.current.size || came.current) soon();
    }
  }
  const soon = () => {
    timer.current ??= setTimeout(() => void look(), Math.max(0, looked.current + pace - performance.now()));
  };

  const again = () => void client.invalidateQueries({ queryKey: settings.current.key });
  // What has come and which rows have changed is not known then. They stay where they are: somebody may be reading far down.
  const missed = () => {
    late.current ??= setTimeout(() => {
      late.current = undefined;
      came.current = true;
      rows().forEach(({ id }) => changed.current.add(id));
      soon();
    }, calm);
  };
  const one = useSubscription(
    EventReceivedDocument,
    { accountID: filter.accountID },
    {
      // Those that were left out are looked for like the one that is told: by their time.
      data: () => {
        came.current = true;
        soon();
      },
      // It begins a moment after it is asked for, and the list may have been asked for before.
      ready: () => {
        again();
        missed();
      },
    },
    enabled,
  );
  useSubscription(
    DeliveriesUpdatedDocument,
    { accountID: filter.accountID, destinationID: filter.destinationID },
    {
      data: ({ deliveryUpdated: { delivery, skipped } }) => {
        changed.current.add(delivery.eventID);
        if (skipped > 0) missed();
        soon();
      },
    },
    enabled,
  );
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      clearTimeout(late.current);
    },
    [],
  );
  useEffect(() => {
    if (fresh.size === 0) return;
    const after = setTimeout(() => setFresh(new Set()), 2000);
    return () => clearTimeout(after);
  }, [fresh]);
  return { liveness: one, fresh };
}

function edited(data: Data, update: (rows: EventRowFragment[]) => EventRowFragment[]): Data {
  const first = data.pages[0];
  if (!first) return data;
  const counts = data.pages.map((page) => nodes(page.events).length);
  const before = counts.reduce((sum, n) => sum + n, 0);
  const all = update(data.pages.flatMap((page) => nodes(page.events)));
  const added = all.length - before;
  // What has come joins the first page; the others keep theirs, so that their cursors stay right.
  let at = 0;
  const pages = data.pages.map((page, i) => {
    const length = counts[i]! + (i === 0 ? added : 0);
    const rows = all.slice(at, at + length);
    at += length;
    return { ...page, events: { ...page.events, totalCount: page.events.totalCount + added, edges: rows.map((node) => ({ node })) } };
  });
  return { ...data, pages };
}
