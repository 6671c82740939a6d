import { Search, X } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Button } from "./button";

/** A row of filters; what they hold is in the address. */
export function Filters({ children, active, onClear }: { children: ReactNode; active: boolean; onClear: () => void }) {
  return (
    <div className="filters" role="search">
      {children}
      {active && (
        <Button kind="quiet" icon={X} onClick={onClear}>
          Clear
        </Button>
      )}
    </div>
  );
}

/** A text to look for, told when its writer pauses. */
export function SearchBox({ label, value, onChange, placeholder }: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  placeholder?: string;
}) {
  const [text, setText] = useState(value ?? "");
  const told = useRef(value ?? "");
  useEffect(() => {
    if ((value ?? "") === told.current) return;
    told.current = value ?? "";
    setText(value ?? "");
  }, [value]);
  useEffect(() => {
    const next = text.trim();
    if (next === told.current) return;
    const timer = setTimeout(() => {
      told.current = next;
      onChange(next || undefined);
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label className="search-box">
      <span className="hidden">{label}</span>
      <Search aria-hidden />
      <input type="search" className="input" value={text} placeholder={placeholder ?? label} autoComplete="off" spellCheck={false} onChange={(event) => setText(event.target.value)} />
    </label>
  );
}

/** One of some values, or any of them. */
export function Choice<T extends string>({ label, any, value, values, onChange }: {
  label: string;
  any: string;
  value: T | undefined;
  values: readonly (readonly [T, string])[];
  onChange: (value: T | undefined) => void;
}) {
  return (
    <label className={`choice ${value ? "choice-set" : ""}`}>
      <span className="hidden">{label}</span>
      <select className="input select" value={value ?? ""} onChange={(event) => onChange((event.target.value || undefined) as T | undefined)}>
        <option value="">{any}</option>
        {values.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
