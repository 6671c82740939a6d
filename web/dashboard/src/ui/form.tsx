import { useId, type ComponentProps, type ReactNode } from "react";

interface FieldProps {
  label: string;
  /** What to know before filling it in. */
  hint?: ReactNode;
  error?: string;
  optional?: boolean;
}

/** A label, its control, a hint and what is wrong with it. */
function Field({ label, hint, error, optional, children }: FieldProps & { children: (ids: Ids) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {optional && <span className="muted"> (optional)</span>}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

interface Ids {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

export function TextField({ label, hint, error, optional, className = "", ...rest }: FieldProps & ComponentProps<"input">) {
  return (
    <Field {...{ label, hint, error, optional }}>
      {(ids) => <input className={`input ${className}`} autoComplete="off" spellCheck={false} {...rest} {...ids} />}
    </Field>
  );
}

export function TextArea({ label, hint, error, optional, className = "", ...rest }: FieldProps & ComponentProps<"textarea">) {
  return (
    <Field {...{ label, hint, error, optional }}>
      {(ids) => <textarea className={`input ${className}`} spellCheck={false} {...rest} {...ids} />}
    </Field>
  );
}

export function SelectField({ label, hint, error, optional, children, ...rest }: FieldProps & ComponentProps<"select">) {
  return (
    <Field {...{ label, hint, error, optional }}>
      {(ids) => (
        <select className="input select" {...rest} {...ids}>
          {children}
        </select>
      )}
    </Field>
  );
}

/** One box to tick. */
export function Checkbox({ label, hint, ...rest }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className="check">
      <input type="checkbox" id={id} aria-describedby={hint ? `${id}-hint` : undefined} {...rest} />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <p className="field-hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}

/** Boxes or circles that belong together. */
export function Group({ label, hint, error, children }: { label: string; hint?: ReactNode; error?: string; children: ReactNode }) {
  return (
    <fieldset className="group">
      <legend className="field-label">{label}</legend>
      {children}
      {hint && <p className="field-hint">{hint}</p>}
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

/** The text of a form's field, without blanks around it. */
export function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}
