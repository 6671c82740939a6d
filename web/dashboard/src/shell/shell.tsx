import { Dialog } from "@base-ui/react/dialog";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate, useRouter } from "@tanstack/react-router";
import { ChevronsUpDown, Clock3, LogOut, Menu as MenuIcon, Monitor, Moon, Search, Sun } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { signOut } from "../api/session";
import { hangUp } from "../api/socket";
import icon from "../icon.svg";
import { IconButton } from "../ui/button";
import { Menu } from "../ui/menu";
import { complain } from "../ui/toast";
import { usePhone } from "../ui/table";
import { Framed } from "./frame";
import { usePlaces } from "./places";
import { theme, zone } from "./preferences";
import { QuickOpen } from "./quick-open";
import { useViewer } from "./viewer";

/** What is around every page of somebody who is signed in. */
export function Shell() {
  const phone = usePhone();
  const [quick, setQuick] = useState(false);
  useQuickKey(() => setQuick(true));
  useFocusOnNewPage();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      {phone ? (
        <TopBar onSearch={() => setQuick(true)} />
      ) : (
        <aside className="side">
          <Navigation onSearch={() => setQuick(true)} />
        </aside>
      )}
      <main className="page" id="main" tabIndex={-1}>
        <Framed value>
          <Outlet />
        </Framed>
      </main>
      <QuickOpen open={quick} onClose={() => setQuick(false)} />
    </div>
  );
}

function Navigation({ onSearch, onGo }: { onSearch: () => void; onGo?: () => void }) {
  const places = usePlaces();
  return (
    <>
      <Link to="/" className="brand" onClick={onGo}>
        <img src={icon} alt="" width={22} height={22} />
        Data Pusher
      </Link>
      <button type="button" className="search-button" onClick={onSearch}>
        <Search aria-hidden />
        <span>Find or go to…</span>
        <kbd>{/Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl "}K</kbd>
      </button>
      <nav className="places" aria-label="Main">
        {places.map(({ label, icon: Icon, link }) => (
          <Link key={label} {...link} className="place" activeOptions={{ exact: link.to === "/", includeSearch: false }} onClick={onGo}>
            <Icon aria-hidden />
            {label}
          </Link>
        ))}
      </nav>
      <Me />
    </>
  );
}

function TopBar({ onSearch }: { onSearch: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <header className="top">
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Trigger render={<IconButton icon={MenuIcon} label="Menu" />} />
        <Dialog.Portal>
          <Dialog.Backdrop className="backdrop" />
          <Dialog.Popup className="side side-sheet">
            <Dialog.Title className="hidden">Menu</Dialog.Title>
            <Navigation
              onSearch={() => {
                setOpen(false);
                onSearch();
              }}
              onGo={() => setOpen(false)}
            />
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
      <Link to="/" className="brand">
        <img src={icon} alt="" width={20} height={20} />
        Data Pusher
      </Link>
      <IconButton icon={Search} label="Find or go to" onClick={onSearch} />
    </header>
  );
}

function Me() {
  const { isAdmin, account } = useViewer();
  const chosen = theme.use();
  const inZone = zone.use();
  const leave = useSignOut();
  const next = { system: "light", light: "dark", dark: "system" } as const;
  const Icon = { system: Monitor, light: Sun, dark: Moon }[chosen];
  const name = isAdmin ? "Administrator" : (account?.name ?? "Account");
  return (
    <div className="me">
      <Menu
        label="You"
        trigger={
          <button type="button" className="me-button">
            <span className="avatar" aria-hidden>
              {name.charAt(0).toUpperCase()}
            </span>
            <span className="me-name">
              {name}
              <span className="muted">{isAdmin ? "All accounts" : account?.email}</span>
            </span>
            <ChevronsUpDown aria-hidden />
          </button>
        }
        items={[
          { label: inZone === "local" ? "Show times in UTC" : "Show times in your zone", icon: Clock3, onSelect: () => zone.set(inZone === "local" ? "UTC" : "local") },
          { label: "Sign out", icon: LogOut, onSelect: leave },
        ]}
      />
      <IconButton icon={Icon} label={`Colours: ${chosen}. Change to ${next[chosen]}`} onClick={() => theme.set(next[chosen])} />
    </div>
  );
}

function useSignOut() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    try {
      await signOut();
      hangUp();
      await navigate({ to: "/sign-in", search: {} });
      queries.clear();
    } catch (error) {
      complain("You are still signed in", error);
    }
  };
}

function useQuickKey(open: () => void) {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      open();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}

/** On another page, what is read out and where Tab goes on begins with its title. */
function useFocusOnNewPage() {
  const { pathname } = useLocation();
  const router = useRouter();
  const shown = useRef(pathname);
  useEffect(
    () =>
      router.subscribe("onRendered", () => {
        if (shown.current === location.pathname) return;
        shown.current = location.pathname;
        document.querySelector<HTMLElement>("#main h1")?.focus({ preventScroll: true });
      }),
    [router],
  );
}
