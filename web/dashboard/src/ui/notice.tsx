import { CircleAlert, Info, ShieldCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

const icons = { info: Info, warn: TriangleAlert, bad: CircleAlert, ok: ShieldCheck };

/** A sentence that must not be missed. */
export function Notice({ kind = "info", children, action }: { kind?: keyof typeof icons; children: ReactNode; action?: ReactNode }) {
  const Icon = icons[kind];
  return (
    <div className={`notice notice-${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <Icon aria-hidden />
      <div className="notice-text">{children}</div>
      {action}
    </div>
  );
}
