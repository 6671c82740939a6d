import { Link, type LinkProps } from "@tanstack/react-router";
import { ChevronRight, type LucideIcon } from "lucide-react";
import { useEffect, type ReactNode } from "react";
import { codeOf, inWords } from "../api/problem";
import { Button } from "./button";
import { Notice } from "./notice";

export interface Crumb {
  label: string;
  link: LinkProps;
}

interface PageProps {
  title: string;
  /** Beside the title: a badge, a count. */
  beside?: ReactNode;
  /** Under the title. */
  about?: ReactNode;
  crumbs?: Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}

/** A page: where one is, what it is about, what can be done. */
export function Page({ title, beside, about, crumbs = [], actions, children }: PageProps) {
  useTitle(title);
  return (
    <>
      <header className="page-head">
        {crumbs.length > 0 && (
          <nav className="crumbs" aria-label="Where this is">
            {crumbs.map(({ label, link }) => (
              <span key={label}>
                <Link {...link}>{label}</Link>
                <ChevronRight aria-hidden />
              </span>
            ))}
          </nav>
        )}
        <div className="page-title">
          <h1 tabIndex={-1}>{title}</h1>
          {beside}
          {actions && <div className="page-actions">{actions}</div>}
        </div>
        {about && <div className="page-about">{about}</div>}
      </header>
      {children}
    </>
  );
}

/** The title of the browser's tab. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Data Pusher`;
  }, [title]);
}

/** A part of a page on a ground of its own. */
export function Card({ title, beside, actions, children, flush, className = "" }: {
  title?: ReactNode;
  beside?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** What is in it goes to its edges. */
  flush?: boolean;
  className?: string;
}) {
  return (
    <section className={`card ${flush ? "card-flush" : ""} ${className}`}>
      {title && (
        <header className="card-head">
          <h2>{title}</h2>
          {beside}
          {actions && <div className="card-actions">{actions}</div>}
        </header>
      )}
      <div className="card-body">{children}</div>
    </section>
  );
}

/** What is said where nothing is, and what to do next. */
export function Empty({ icon: Icon, title, children, action }: { icon: LucideIcon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon aria-hidden />
      </span>
      <p className="empty-title">{title}</p>
      {children && <p className="empty-text">{children}</p>}
      {action}
    </div>
  );
}

/** What could not be had, in words, and the way on. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <Notice kind="bad" action={retry && codeOf(error) !== "not_found" && <Button onClick={retry}>Try again</Button>}>
      {inWords(error)}
    </Notice>
  );
}

/** The place of a text that is on its way. */
export function Skeleton({ width = "100%", height = "1em" }: { width?: string; height?: string }) {
  return <span className="skeleton" style={{ width, height }} aria-hidden />;
}

/** Names and values. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children ?? <span className="muted">–</span>}</dd>
    </div>
  );
}

/** One figure. */
export function Tile({ name, value, about, tone }: { name: string; value: ReactNode; about?: ReactNode; tone?: string }) {
  return (
    <div className={`tile ${tone ? `tile-${tone}` : ""}`}>
      <dt>{name}</dt>
      <dd className="tile-value">{value}</dd>
      {about && <dd className="tile-about">{about}</dd>}
    </div>
  );
}
