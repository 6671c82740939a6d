import { Link, type LinkProps } from "@tanstack/react-router";
import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

type Kind = "plain" | "primary" | "danger" | "quiet";

interface ButtonProps extends Omit<ComponentProps<"button">, "type"> {
  kind?: Kind;
  icon?: LucideIcon;
  /** Something is under way: it says so and cannot be pressed again. */
  busy?: boolean;
  /** Why it cannot be pressed now. It can be reached all the same, so that this is found. */
  unless?: string;
  type?: "button" | "submit";
}

export function Button({ kind = "plain", icon: Icon, busy, unless, children, disabled, className = "", type = "button", ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={`button button-${kind} ${className}`}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
      {...(unless && { "aria-disabled": true, "aria-description": unless, title: unless, onClick: undefined })}
    >
      {busy ? <LoaderCircle className="spin" aria-hidden /> : Icon && <Icon aria-hidden />}
      {children && <span>{children}</span>}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  icon: LucideIcon;
  /** What it does: its name, and its tooltip. */
  label: string;
}

export function IconButton({ icon: Icon, label, className = "", ...rest }: IconButtonProps) {
  return (
    <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}>
      <Icon aria-hidden />
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({ kind = "plain", icon: Icon, children, ...rest }: LinkProps & { kind?: Kind; icon?: LucideIcon; children: ReactNode }) {
  return (
    <Link className={`button button-${kind}`} {...rest}>
      {Icon && <Icon aria-hidden />}
      <span>{children}</span>
    </Link>
  );
}
