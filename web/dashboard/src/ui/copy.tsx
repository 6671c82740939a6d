import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "./button";

/** Copies a text, and says that it has. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <>
      <IconButton
        icon={copied ? Check : Copy}
        label={`Copy ${what}`}
        className={copied ? "copied" : ""}
        onClick={async () => {
          await copy(text);
          setCopied(true);
        }}
      />
      <span className="hidden" role="status">
        {copied && `Copied ${what}.`}
      </span>
    </>
  );
}

/** The clipboard is there on https and on this machine alone; elsewhere the browser's old way has to do. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** An id in full, with its button. */
export function ID({ id, what = "the id" }: { id: string; what?: string }) {
  return (
    <span className="id">
      <code>{id}</code>
      <CopyButton text={id} what={what} />
    </span>
  );
}

/** The part of an id that tells it from others, for lists: behind its time, before what only counts. */
export function ShortID({ id }: { id: string }) {
  const [prefix, rest = ""] = id.split("_");
  return (
    <code className="short-id" title={id}>
      {prefix}_<span className="muted">…</span>
      {rest.slice(10, 20)}
    </code>
  );
}
