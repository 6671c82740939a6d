import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { rootIn, surface, writable } from "./surface";

interface EditorProps {
  /** What it holds at first; later changes are ignored. */
  initial: string;
  label: string;
  onChange: (text: string) => void;
}

/** An editor of JSON. */
export default function Editor({ initial, label, onChange }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  useEffect(() => {
    const { root, parent } = rootIn(host.current!);
    const view = new EditorView({
      doc: initial,
      root,
      parent,
      extensions: [surface(label), writable((text) => changed.current(text))],
    });
    return () => view.destroy();
  }, []);
  return <div className="editor" ref={host} />;
}
