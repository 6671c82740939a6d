const spans = { "15m": 900_000, "1h": 3600_000, "6h": 6 * 3600_000, "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000 };

/** How long ago, as addresses have it. */
export type Ago = keyof typeof spans;

export const isAgo = (text: string | undefined): text is Ago => text !== undefined && Object.hasOwn(spans, text);

/** The moment that was so long before another one. */
export const before = (at: number, ago: Ago) => new Date(at - spans[ago]);

/** Before whatever was accepted: without a time, a replay goes 30 days back. */
export const everything = new Date(86_400_000).toISOString();

/** A time from the address: how long ago, to the minute so that the question stays the same, or a moment. */
export function momentOf(text: string): string | undefined {
  const at = isAgo(text) ? new Date(Math.floor(before(Date.now(), text).getTime() / 60_000) * 60_000) : new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
