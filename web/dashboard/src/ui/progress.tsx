import { count } from "./size";

/** How far something is. */
export function Progress({ label, done, of, small }: { label: string; done: number; of: number; small?: boolean }) {
  const share = of ? Math.min(1, done / of) : 1;
  return (
    <span className={`progress ${small ? "progress-small" : ""}`}>
      <span
        className="progress-track"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={of}
        aria-valuenow={Math.min(done, of)}
        aria-valuetext={`${count(done)} of ${count(of)}`}
      >
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className="progress-text">
        {count(done)} <span className="muted">of {count(of)}</span>
      </span>
    </span>
  );
}
