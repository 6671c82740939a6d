import { count } from "../ui/size";

export interface Bin {
  name: string;
  value: number;
  /** A colour of the theme. */
  colour: string;
}

/** How often what was. */
export function Histogram({ label, bins }: { label: string; bins: readonly Bin[] }) {
  const most = Math.max(1, ...bins.map((bin) => bin.value));
  return (
    <div role="group" aria-label={label}>
      <dl className="histogram">
        {bins.map(({ name, value, colour }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <span className="histogram-track" aria-hidden>
                <span style={{ width: `${(value / most) * 100}%`, background: colour }} />
              </span>
              <span className="histogram-value">{count(value)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
