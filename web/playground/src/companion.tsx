import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef } from "react";
import { isBare } from "./credential";

/** What GraphiQL leaves undone; it renders nothing. */
export function Companion() {
  useCarriedHeaders();
  useWrappedLines();
  useSystemTheme();
  return null;
}

/**
 * Where GraphiQL puts untouched headers into the editor (another tab, a new tab,
 * an operation from the history), those of before stay: a token is filled in
 * once and not once per step. Who clears the editor by hand keeps it clear.
 */
function useCarriedHeaders() {
  const editor = useGraphiQL((state) => state.headerEditor);
  const last = useRef("");
  useEffect(() => {
    const listener = editor?.onDidChangeModelContent(({ isFlush }) => {
      const text = editor.getValue();
      if (!isBare(text)) {
        last.current = text;
      } else if (isFlush && last.current) {
        // After the other listeners: they see one change after the other.
        queueMicrotask(() => editor.setValue(last.current));
      }
    });
    return () => listener?.dispose();
  }, [editor]);
}

/** Long lines wrap: what a step says is read without scrolling sideways. */
function useWrappedLines() {
  const { query, headers } = useGraphiQL((state) => ({ query: state.queryEditor, headers: state.headerEditor }));
  useEffect(() => {
    for (const editor of [query, headers]) editor?.updateOptions({ wordWrap: "on", wrappingIndent: "indent" });
  }, [query, headers]);
}

/** The editors' theme is chosen once; this follows the system when it changes. */
function useSystemTheme() {
  const { setTheme } = useGraphiQLActions();
  const { theme, ready } = useGraphiQL((state) => ({ theme: state.theme, ready: Boolean(state.queryEditor) }));
  useEffect(() => {
    if (theme || !ready) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setTheme(null);
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, [theme, ready, setTheme]);
}
