/** Times and spans in words. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export type Zone = "local" | "UTC";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, ...(zone === "UTC" && { timeZone: "UTC" }) });
    formats.set(key, found);
  }
  return found;
}

/** A moment with its date, to the millisecond, and its zone: 30 Nov 2026, 12:04:31.221 UTC. */
export function absolute(moment: Date, zone: Zone): string {
  return format(zone, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    fractionalSecondDigits: 3, timeZoneName: "short", hourCycle: "h23",
  }).format(moment);
}

/** A moment for lists: the time of today, otherwise the date with it. */
export function brief(moment: Date, zone: Zone, now: number): string {
  const clock = format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(moment);
  const date = (at: Date) => format(zone, { day: "numeric", month: "short" }).format(at);
  return date(moment) === date(new Date(now)) ? clock : `${date(moment)}, ${clock}`;
}

/** The time of day to the minute, for axes. */
export function clock(moment: Date, zone: Zone): string {
  return format(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);
}

/** The day, for axes. */
export function dayOf(moment: Date, zone: Zone): string {
  return format(zone, { day: "numeric", month: "short" }).format(moment);
}

/** How long ago, or in how long. */
export function relative(moment: Date, now: number): string {
  const away = moment.getTime() - now;
  const text = coarse(Math.abs(away));
  if (Math.abs(away) < second) return "now";
  return away > 0 ? `in ${text}` : `${text} ago`;
}

/** A span in its largest unit: 5 s, 4 min, 3 h, 2 d. */
export function coarse(ms: number): string {
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / day)} d`;
}

/** A measured span: 0.4 ms, 12 ms, 1.25 s, 3 min 5 s. */
export function span(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < minute) return `${Number((ms / second).toFixed(2))} s`;
  if (ms < hour) return two(ms, minute, "min", second, "s");
  if (ms < day) return two(ms, hour, "h", minute, "min");
  return two(ms, day, "d", hour, "h");
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ""}`;
}

/** The milliseconds of a duration such as 1h30m or 7d; NaN where it is none. */
export function parseDuration(text: string): number {
  const units: Record<string, number> = { ms: 1, s: second, m: minute, h: hour, d: day };
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return NaN;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) sum += Number(amount) * units[unit!]!;
  return sum;
}

/** A duration such as 1h30m0s in words. */
export function durationInWords(text: string): string {
  const ms = parseDuration(text);
  return Number.isNaN(ms) ? text : span(ms);
}
