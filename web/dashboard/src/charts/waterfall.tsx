import { span } from "../ui/time";

export interface Timings {
  dnsMs: number;
  connectMs: number;
  tlsMs: number;
  firstByteMs: number;
  totalMs: number;
}

const parts = [
  { key: "dnsMs", name: "DNS", colour: "var(--series-3)" },
  { key: "connectMs", name: "Connect", colour: "var(--series-4)" },
  { key: "tlsMs", name: "TLS", colour: "var(--series-5)" },
  { key: "firstByteMs", name: "Wait for the first byte", colour: "var(--series-1)" },
] as const;

const rest = { name: "Read the answer", colour: "var(--series-2)" };

/** What the colours of a waterfall stand for. */
export const waterfallLegend = [...parts.map(({ name, colour }) => ({ name, colour })), rest];

/** Where the time of one attempt went; scale is the milliseconds of the full width. */
export function Waterfall({ timings, scale }: { timings: Timings; scale: number }) {
  let known = 0;
  const bars: { name: string; colour: string; ms: number }[] = parts.map(({ key, name, colour }) => {
    known += timings[key];
    return { name, colour, ms: timings[key] };
  });
  bars.push({ ...rest, ms: Math.max(0, timings.totalMs - known) });
  const text = bars.filter((bar) => bar.ms > 0).map((bar) => `${bar.name} ${span(bar.ms)}`).join(", ");
  return (
    <span className="waterfall" title={text}>
      <span className="hidden">{text}</span>
      {bars.map((bar) => (
        <span key={bar.name} aria-hidden style={{ width: `${(bar.ms / Math.max(scale, 0.001)) * 100}%`, background: bar.colour }} />
      ))}
    </span>
  );
}
