import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { codeOf } from "./api/problem";
import { deliveryStatuses, destinationStates } from "./ui/badge";
import type { DeliveryStatus } from "./gql/graphql";
import { Broken, NotFound } from "./shell/broken";
import { Shell } from "./shell/shell";
import { viewerQuery } from "./shell/viewer";

// Whatever a page can be asked for is in its address: a link shows what its sender saw.

type Raw = Record<string, unknown>;

/** What is not there is left out. */
const some = <Search extends object>(search: Search): Partial<Search> => search;

const text = (raw: Raw, name: string) => (typeof raw[name] === "string" && raw[name] !== "" ? raw[name] : undefined);
const flag = (raw: Raw, name: string) => (raw[name] === true ? true : undefined);
const number = (raw: Raw, name: string) => (typeof raw[name] === "number" ? raw[name] : undefined);
const oneOf = <T extends string>(raw: Raw, name: string, all: readonly T[]) => all.find((value) => value === raw[name]);

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: Broken,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (raw: Raw) => some({ to: text(raw, "to") }),
  component: lazyRouteComponent(() => import("./pages/sign-in"), "SignIn"),
});

const portal = createRoute({
  getParentRoute: () => root,
  path: "/portal",
  component: lazyRouteComponent(() => import("./pages/portal"), "Portal"),
});

/** Everything that needs somebody. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  errorComponent: Broken,
  async beforeLoad({ context, location }) {
    try {
      const { viewer } = await context.queries.ensureQueryData({ ...viewerQuery, revalidateIfStale: false });
      return { viewer };
    } catch (error) {
      if (codeOf(error) !== "unauthenticated") throw error;
      throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { to: location.href }, replace: true });
    }
  },
});

export type Period = "1h" | "24h" | "7d";
export const periods: readonly Period[] = ["1h", "24h", "7d"];

const overview = createRoute({
  getParentRoute: () => inside,
  path: "/",
  validateSearch: (raw: Raw) => some({ period: oneOf(raw, "period", periods) }),
  component: lazyRouteComponent(() => import("./pages/overview"), "Overview"),
});

const accounts = createRoute({
  getParentRoute: () => inside,
  path: "/accounts",
  validateSearch: (raw: Raw) => some({ q: text(raw, "q"), create: flag(raw, "create") }),
  beforeLoad({ context: { viewer } }) {
    // The list is the administrator's: anybody else has one account.
    if (viewer.kind === "ADMIN" || !viewer.account) return;
    throw redirect({ to: "/accounts/$accountID", params: { accountID: viewer.account.id }, replace: true });
  },
  component: lazyRouteComponent(() => import("./pages/accounts"), "Accounts"),
});

const accountTabs = ["destinations", "tokens", "usage", "settings"] as const;
export type AccountTab = (typeof accountTabs)[number];

const account = createRoute({
  getParentRoute: () => inside,
  path: "/accounts/$accountID",
  validateSearch: (raw: Raw) => some({ tab: oneOf(raw, "tab", accountTabs), period: oneOf(raw, "period", periods) }),
  component: lazyRouteComponent(() => import("./pages/account"), "Account"),
});

const destinations = createRoute({
  getParentRoute: () => inside,
  path: "/destinations",
  validateSearch: (raw: Raw) => some({
    q: text(raw, "q"),
    account: text(raw, "account"),
    state: oneOf(raw, "state", [...destinationStates, "NOT_SENDING"] as const),
  }),
  component: lazyRouteComponent(() => import("./pages/destinations"), "Destinations"),
});

const destination = createRoute({
  getParentRoute: () => inside,
  path: "/destinations/$destinationID",
  validateSearch: (raw: Raw) => some({
    status: oneOf<DeliveryStatus>(raw, "status", deliveryStatuses),
    period: oneOf(raw, "period", periods),
  }),
  component: lazyRouteComponent(() => import("./pages/destination"), "Destination"),
});

const events = createRoute({
  getParentRoute: () => inside,
  path: "/events",
  validateSearch: (raw: Raw) => some({
    q: text(raw, "q"),
    type: text(raw, "type"),
    status: oneOf<DeliveryStatus>(raw, "status", deliveryStatuses),
    account: text(raw, "account"),
    destination: text(raw, "destination"),
    replay: text(raw, "replay"),
    from: text(raw, "from"),
    to: text(raw, "to"),
    live: raw.live === false ? (false as const) : undefined,
  }),
  component: lazyRouteComponent(() => import("./pages/events"), "Events"),
});

const event = createRoute({
  getParentRoute: () => inside,
  path: "/events/$eventID",
  validateSearch: (raw: Raw) => some({ delivery: text(raw, "delivery"), attempt: number(raw, "attempt"), replay: flag(raw, "replay") }),
  component: lazyRouteComponent(() => import("./pages/event"), "Event"),
});

const replays = createRoute({
  getParentRoute: () => inside,
  path: "/replays",
  validateSearch: (raw: Raw) => some({
    account: text(raw, "account"),
    destination: text(raw, "destination"),
    status: oneOf<DeliveryStatus>(raw, "status", deliveryStatuses),
    type: text(raw, "type"),
    from: text(raw, "from"),
    to: text(raw, "to"),
    create: flag(raw, "create"),
  }),
  component: lazyRouteComponent(() => import("./pages/replays"), "Replays"),
});

const replay = createRoute({
  getParentRoute: () => inside,
  path: "/replays/$replayID",
  component: lazyRouteComponent(() => import("./pages/replay"), "Replay"),
});

const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  validateSearch: (raw: Raw) => some({ subject: text(raw, "subject"), kind: text(raw, "kind"), actor: text(raw, "actor"), account: text(raw, "account") }),
  component: lazyRouteComponent(() => import("./pages/audit"), "Audit"),
});

const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings"), "Settings"),
});

const tree = root.addChildren([
  signIn,
  portal,
  inside.addChildren([
    overview, accounts, account, destinations, destination, events, event, replays, replay, audit, settings,
  ]),
]);

/** Makes the one router. Pages are loaded when a link to them is pointed at. */
export function newRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultPendingMs: 300,
    scrollRestoration: true,
    defaultErrorComponent: Broken,
    defaultNotFoundComponent: NotFound,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
