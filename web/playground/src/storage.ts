import type { Storage } from "@graphiql/toolkit";

// GraphiQL remembers through this storage. Layout and history outlive the
// session; whatever may hold a token does not. By GraphiQL's own settings
// headers are not kept at all unless the user asks for it ("Persist headers"),
// and then they end with the browser tab.
const namespace = "graphiql:";
const history = new Set(["queries", "favorites"].map((key) => namespace + key));
const lasting = new Set(
  ["theme", "visiblePlugin", "docExplorerFlex", "editorFlex", "secondaryEditorFlex"].map((key) => namespace + key),
);

function home(key: string) {
  return lasting.has(key) || history.has(key) ? localStorage : sessionStorage;
}

export const storage: Storage = {
  getItem: (key) => home(key).getItem(key),
  setItem: (key, value) => home(key).setItem(key, history.has(key) ? withoutHeaders(value) : value),
  removeItem: (key) => home(key).removeItem(key),
  clear() {
    for (const key of ours()) home(key).removeItem(key);
  },
  get length() {
    return ours().length;
  },
};

function ours(): string[] {
  return [...Object.keys(localStorage), ...Object.keys(sessionStorage)].filter((key) => key.startsWith(namespace));
}

/** GraphiQL's history keeps the headers of each operation, tokens included. */
function withoutHeaders(value: string): string {
  return JSON.stringify(JSON.parse(value), (key, part: unknown) => (key === "headers" ? undefined : part));
}

/** Whether the user has asked, in this session, to keep headers when reloading. */
export function persistHeaders(): boolean {
  return storage.getItem(namespace + "shouldPersistHeaders") === "true";
}
