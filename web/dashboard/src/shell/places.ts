import type { LinkProps } from "@tanstack/react-router";
import { Activity, Building2, History, ScrollText, Settings2, Webhook, Zap, type LucideIcon } from "lucide-react";
import { useViewer } from "./viewer";

interface Place {
  label: string;
  icon: LucideIcon;
  link: LinkProps;
}

/** Where whoever is signed in may go. */
export function usePlaces(): Place[] {
  const { isAdmin, accountID } = useViewer();
  return [
    { label: "Overview", icon: Activity, link: { to: "/" } },
    { label: "Events", icon: Zap, link: { to: "/events" } },
    { label: "Destinations", icon: Webhook, link: { to: "/destinations" } },
    isAdmin
      ? { label: "Accounts", icon: Building2, link: { to: "/accounts" } }
      : { label: "Account", icon: Building2, link: { to: "/accounts/$accountID", params: { accountID: accountID ?? "" } } },
    { label: "Replays", icon: History, link: { to: "/replays" } },
    { label: "Audit log", icon: ScrollText, link: { to: "/audit" } },
    { label: "Settings", icon: Settings2, link: { to: "/settings" } },
  ];
}
