import { useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent, type PointerEvent } from "react";
import { zone as zonePreference } from "../shell/preferences";
import { clock, dayOf } from "../ui/time";
import { labelled, roundUp } from "./scale";

export interface Series {
  name: string;
  /** A colour of the theme, such as var(--ok). */
  colour: string;
  values: readonly (number | null)[];
}

interface TimeChartProps {
  /** What it shows, for its name and for who cannot see it. */
  label: string;
  times: readonly Date[];
  series: readonly Series[];
  /** Bars are stacked, lines are not. */
  kind: "bars" | "lines";
  format: (value: number) => string;
  height?: number;
  /** The least end of the value axis. */
  least?: number;
  /** The end of the value axis, where it has a natural one. */
  most?: number;
}

const margin = { top: 8, right: 4, bottom: 20, left: 54 };

/** Values over time. With the keyboard, the arrows go from point to point. */
export function TimeChart({ label, times, series, kind, format, height = 176, least = 1, most }: TimeChartProps) {
  const zone = zonePreference.use();
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState<number | null>(null);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);

  const count = times.length;
  const inner = { width: Math.max(0, width - margin.left - margin.right), height: height - margin.top - margin.bottom };
  const slot = inner.width / Math.max(1, count);
  const tops = times.map((_, i) =>
    kind === "bars" ? series.reduce((sum, s) => sum + (s.values[i] ?? 0), 0) : Math.max(0, ...series.map((s) => s.values[i] ?? 0)),
  );
  const end = most ?? roundUp(Math.max(least, ...tops));
  const x = (i: number) => margin.left + slot * (i + 0.5);
  const y = (value: number) => margin.top + inner.height * (1 - Math.min(value, end) / end);
  const long = count > 1 && times.at(-1)!.getTime() - times[0]!.getTime() > 36 * 3600_000;
  const point = (i: number) => {
    const parts = series.map((s) => `${s.name} ${s.values[i] == null ? "–" : format(s.values[i])}`);
    return `${long ? `${dayOf(times[i]!, zone)} ` : ""}${clock(times[i]!, zone)}: ${parts.join(", ")}`;
  };

  const move = (event: PointerEvent) => {
    const box = frame.current!.getBoundingClientRect();
    const i = Math.floor((event.clientX - box.left - margin.left) / slot);
    setAt(i >= 0 && i < count ? i : null);
  };
  const step = (event: KeyboardEvent) => {
    const from = at ?? count - 1;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(count - 1, to)));
  };

  const last = at ?? count - 1;
  return (
    <div
      className="chart"
      ref={frame}
      style={{ height }}
      tabIndex={0}
      role="slider"
      aria-label={label}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, count - 1)}
      aria-valuenow={Math.max(0, last)}
      aria-valuetext={count ? point(last) : "no data"}
      onPointerMove={move}
      onPointerLeave={() => setAt(null)}
      onKeyDown={step}
      onBlur={() => setAt(null)}
    >
      {width > 0 && (
        <svg width={width} height={height} aria-hidden>
          {[0, 0.5, 1].map((share) => (
            <g key={share}>
              <line className="chart-grid" x1={margin.left} x2={width - margin.right} y1={y(end * share)} y2={y(end * share)} />
              <text className="chart-label" x={margin.left - 8} y={y(end * share)} textAnchor="end" dominantBaseline="middle">
                {format(end * share)}
              </text>
            </g>
          ))}
          {labelled(count, Math.max(2, Math.floor(inner.width / 90))).map((i) => (
            <text key={i} className="chart-label" x={x(i)} y={height - 4} textAnchor="middle">
              {long ? dayOf(times[i]!, zone) : clock(times[i]!, zone)}
            </text>
          ))}
          {at !== null && <rect className="chart-cursor" x={margin.left + slot * at} width={slot} y={margin.top} height={inner.height} />}
          {kind === "bars" ? bars(times, series, x, y, slot) : series.map((s) => <Line key={s.name} series={s} x={x} y={y} at={at} />)}
        </svg>
      )}
      {at !== null && (
        <div className="chart-tip" style={tip(x(at), width)} aria-hidden>
          <span className="muted">
            {long && `${dayOf(times[at]!, zone)} `}
            {clock(times[at]!, zone)}
          </span>
          {series.map((s) => (
            <span key={s.name} className="chart-tip-row">
              <span className="dot" style={{ background: s.colour }} />
              {s.name}
              <b>{s.values[at] == null ? "–" : format(s.values[at])}</b>
            </span>
          ))}
        </div>
      )}
    </div>
  );
}

function bars(times: readonly Date[], series: readonly Series[], x: (i: number) => number, y: (v: number) => number, slot: number) {
  const width = Math.max(1, slot - Math.min(2, slot * 0.25));
  return times.map((_, i) => {
    let below = 0;
    return series.map((s) => {
      const value = s.values[i] ?? 0;
      if (value <= 0) return null;
      const [from, to] = [below, below + value];
      below = to;
      return <rect key={`${s.name} ${i}`} x={x(i) - width / 2} width={width} y={y(to)} height={Math.max(1, y(from) - y(to))} fill={s.colour} rx={Math.min(1.5, width / 3)} />;
    });
  });
}

function Line({ series, x, y, at }: { series: Series; x: (i: number) => number; y: (v: number) => number; at: number | null }) {
  let path = "";
  let open = false;
  series.values.forEach((value, i) => {
    if (value == null) return void (open = false);
    path += `${open ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    open = true;
  });
  const here = at === null ? null : series.values[at];
  return (
    <>
      <path d={path} fill="none" stroke={series.colour} strokeWidth={1.5} strokeLinejoin="round" strokeLinecap="round" />
      {series.values.map((value, i) =>
        value != null && series.values[i - 1] == null && series.values[i + 1] == null ? (
          <circle key={i} cx={x(i)} cy={y(value)} r={1.75} fill={series.colour} />
        ) : null,
      )}
      {here != null && <circle cx={x(at!)} cy={y(here)} r={3} fill={series.colour} stroke="var(--panel)" strokeWidth={1.5} />}
    </>
  );
}

function tip(x: number, width: number): CSSProperties {
  return x > width / 2 ? { right: width - x + 10 } : { left: x + 10 };
}

/** What the colours stand for, with a figure each. */
export function Legend({ entries }: { entries: readonly { name: string; colour: string; value?: string }[] }) {
  return (
    <ul className="legend">
      {entries.map(({ name, colour, value }) => (
        <li key={name}>
          <span className="dot" style={{ background: colour }} aria-hidden />
          {name}
          {value !== undefined && <b>{value}</b>}
        </li>
      ))}
    </ul>
  );
}
