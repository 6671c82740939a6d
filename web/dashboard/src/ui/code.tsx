import { useMemo, useState } from "react";
import { CopyButton } from "./copy";
import { indented, isJSON } from "./json";

/** Longer texts are shown as they are: colours would cost too much. */
const most = 200_000;

interface CodeProps {
  text: string;
  /** What it is, for the copy button and for who cannot see it. */
  label: string;
  /** The highest it gets before it scrolls, in pixels. */
  height?: number;
}

/** A text of a request or an answer; JSON is indented and coloured. */
export function Code({ text, label, height = 420 }: CodeProps) {
  const json = useMemo(() => text.length <= most && isJSON(text), [text]);
  const [raw, setRaw] = useState(false);
  const parts = useMemo(() => (json && !raw ? indented(text) : undefined), [text, json, raw]);
  return (
    <div className="code">
      <div className="code-bar">
        {json && (
          <div className="segments" role="group" aria-label={`How to show ${label}`}>
            <button type="button" aria-pressed={!raw} onClick={() => setRaw(false)}>
              Indented
            </button>
            <button type="button" aria-pressed={raw} onClick={() => setRaw(true)}>
              As it came
            </button>
          </div>
        )}
        <CopyButton text={text} what={label} />
      </div>
      <pre className="code-text" tabIndex={0} aria-label={label} role="region" style={{ maxHeight: height }}>
        <code>
          {parts
            ? parts.map((part, i) =>
                part.kind === "space" ? (
                  part.text
                ) : (
                  <span key={i} className={`json-${part.kind}`}>
                    {part.text}
                  </span>
                ),
              )
            : text}
        </code>
      </pre>
    </div>
  );
}

/** Headers, a line each. */
export function Headers({ headers, label }: { headers: ReadonlyArray<{ name: string; value: string }>; label: string }) {
  if (headers.length === 0) return <p className="muted small">No headers.</p>;
  return (
    <div role="group" aria-label={label}>
      <dl className="headers">
        {headers.map(({ name, value }, i) => (
          <div key={i}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
