import { CircleAlert, Info, ShieldCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

const icons = { info: Info, warn: TriangleAlert, bad: CircleAlert, ok: ShieldCheck };

interface NoticeProps {
  kind?: keyof typeof icons;
  children: ReactNode;
  action?: ReactNode;
  /** It says how something stands, maybe with a time that goes on: it is not read out whenever it changes. */
  standing?: boolean;
}

/** A sentence that must not be missed. */
export function Notice({ kind = "info", children, action, standing }: NoticeProps) {
  const Icon = icons[kind];
  return (
    <div className={`notice notice-${kind}`} role={standing ? undefined : kind === "bad" ? "alert" : "status"}>
      <Icon aria-hidden />
      <div className="notice-text">{children}</div>
      {action}
    </div>
  );
}
