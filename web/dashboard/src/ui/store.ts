import { useSyncExternalStore } from "react";

/** A value that is kept in the browser and shared by all who use it. */
export interface Kept<T extends string> {
  get(): T;
  set(value: T): void;
  use(): T;
}

/** Keeps one of some values under a name; the first of them is the default. */
export function kept<T extends string>(name: string, values: readonly [T, ...T[]], changed?: (value: T) => void): Kept<T> {
  const key = `datapusher:${name}`;
  const listeners = new Set<() => void>();
  const stored = localStorage.getItem(key) as T | null;
  let current = stored && values.includes(stored) ? stored : values[0];
  changed?.(current);
  const get = () => current;
  return {
    get,
    set(value) {
      current = value;
      localStorage.setItem(key, value);
      changed?.(value);
      listeners.forEach((listener) => listener());
    },
    use: () =>
      useSyncExternalStore((listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      }, get),
  };
}
