import { useSyncExternalStore } from "react";
import { zone as zonePreference } from "../shell/preferences";
import { absolute, brief, coarse, relative } from "./time";

/** One timer for all relative times of the page. */
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!timer) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      listeners.forEach((tell) => tell());
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The present, to the second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

interface MomentProps {
  at: string | null | undefined;
  /** list: short and relative; full: everything; relative: that alone; age: for how long. What is left out is in the tooltip. */
  as?: "list" | "full" | "relative" | "age";
}

/** A moment, absolute and relative. */
export function Moment({ at, as = "list" }: MomentProps) {
  const present = useNow();
  const zone = zonePreference.use();
  if (!at) return <span className="muted">–</span>;
  const moment = new Date(at);
  const long = absolute(moment, zone);
  // The timer is a second late at most: what has just come is not in the future.
  const away = moment.getTime() - present;
  const ago = as === "age" ? coarse(Math.max(0, -away)) : relative(moment, away > 0 && away < 2000 ? moment.getTime() : present);
  return (
    <time className="moment" dateTime={at} title={long}>
      {as === "full" && <span className="moment-absolute">{long}</span>}
      {as === "list" && <span className="moment-absolute">{brief(moment, zone, present)}</span>}
      <span className={as === "relative" || as === "age" ? undefined : "muted"}>{ago}</span>
    </time>
  );
}
