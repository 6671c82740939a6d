import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { readOnly, rootIn, surface, writable } from "./surface";

interface DiffProps {
  original: string;
  /** What the edited side holds at first; later changes are ignored. */
  edited: string;
  onChange: (text: string) => void;
}

/** The original beside what it is edited to; one above the other where there is no room. */
export default function Diff({ original, edited, onChange }: DiffProps) {
  const host = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  useEffect(() => {
    const { root, parent } = rootIn(host.current!);
    const write = [surface("The payload to send"), writable((text) => changed.current(text))];
    const view = matchMedia("(min-width: 760px)").matches
      ? new MergeView({
          a: { doc: original, extensions: [surface("The original payload"), readOnly] },
          b: { doc: edited, extensions: write },
          root,
          parent,
          gutter: true,
        })
      : new EditorView({
          doc: edited,
          root,
          parent,
          extensions: [write, unifiedMergeView({ original, mergeControls: false })],
        });
    return () => view.destroy();
  }, []);
  return <div className="editor editor-diff" ref={host} />;
}
