import { zone as zonePreference } from "../shell/preferences";
import { absolute, clock, dayOf, span } from "../ui/time";

export interface Stretch {
  from: Date;
  to: Date;
  name: string;
  /** A colour of the theme. */
  colour: string;
}

/** What was when: stretches of time, one behind the other. */
export function Strip({ label, stretches }: { label: string; stretches: readonly Stretch[] }) {
  const zone = zonePreference.use();
  const from = stretches[0]?.from.getTime() ?? 0;
  const to = stretches.at(-1)?.to.getTime() ?? 1;
  const whole = Math.max(1, to - from);
  const edge = (moment: Date) => (whole > 36 * 3600_000 ? dayOf(moment, zone) : clock(moment, zone));
  return (
    <figure className="strip">
      <ol aria-label={label}>
        {stretches.map((s) => {
          const length = s.to.getTime() - s.from.getTime();
          return (
            <li
              key={s.from.getTime()}
              style={{ flexGrow: Math.max(length, whole / 400), background: s.colour }}
              title={`${s.name} for ${span(length)}, from ${absolute(s.from, zone)}`}
            >
              <span className="hidden">
                {s.name} for {span(length)}, from {absolute(s.from, zone)}
              </span>
            </li>
          );
        })}
      </ol>
      <figcaption>
        <span>{edge(new Date(from))}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
