import { Link, type LinkProps } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState, type CSSProperties, type ReactNode } from "react";
import { Skeleton } from "./page";

export interface Column<Row> {
  name: string;
  /** A track of the grid, such as "120px" or "minmax(0, 2fr)". */
  width: string;
  cell: (row: Row) => ReactNode;
  align?: "end";
  /** On a phone, rows have two lines: which of them, and on which side. Others are not shown there. */
  phone?: "first" | "first-end" | "second" | "second-end";
  /** What is in it speaks for itself: its name is for who cannot see it. */
  quiet?: boolean;
  /** The column whose text leads to the row's page. */
  leads?: boolean;
}

interface TableProps<Row> {
  /** What is in it, for who cannot see it. */
  label: string;
  columns: Column<Row>[];
  rows: readonly Row[] | undefined;
  keyOf: (row: Row) => string;
  /** The page of a row. */
  link?: (row: Row) => LinkProps;
  /** Rows that have just come. */
  fresh?: ReadonlySet<string>;
  /** Shown instead of rows where there are none. */
  empty: ReactNode;
  more?: { has: boolean; loading: boolean; load: () => void };
  total?: number;
}

const desktopRow = 42;
const phoneRow = 62;

/** A list whose rows are made as they come into view. */
export function Table<Row>({ label, columns, rows, keyOf, link, fresh, empty, more, total }: TableProps<Row>) {
  const body = useRef<HTMLDivElement>(null);
  const phone = usePhone();
  const [offset, setOffset] = useState(0);
  const height = phone ? phoneRow : desktopRow;
  // What is above may have become higher.
  useLayoutEffect(() => {
    if (!body.current) return;
    const top = Math.round(body.current.getBoundingClientRect().top + window.scrollY);
    if (top !== offset) setOffset(top);
  });
  useSteadyScroll(rows?.map(keyOf), height, offset);
  const virtual = useWindowVirtualizer({
    count: rows?.length ?? 0,
    estimateSize: () => height,
    overscan: 10,
    scrollMargin: offset,
    getItemKey: (index) => keyOf(rows![index]!),
  });
  useEffect(() => virtual.measure(), [height]);

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more?.has && !more.loading && rows && last >= rows.length - 10) more.load();
  }, [last, more?.has, more?.loading, rows?.length]);

  if (rows?.length === 0) return <>{empty}</>;
  const tracks = { "--tracks": columns.map((column) => column.width).join(" ") } as CSSProperties;
  const style = { ...tracks, "--row": `${height}px` } as CSSProperties;
  return (
    <div
      className="table"
      role="table"
      aria-label={label}
      aria-rowcount={more?.has ? -1 : (total ?? rows?.length ?? -1) + 1}
      aria-busy={rows === undefined}
      style={style}
    >
      <div role="rowgroup" className="table-head">
        <div role="row" className="table-row" aria-rowindex={1}>
          {columns.map((column) => (
            <span role="columnheader" key={column.name} className={cellClass(column)}>
              {column.quiet ? <span className="hidden">{column.name}</span> : column.name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="table-body" ref={body} style={{ height: rows ? virtual.getTotalSize() : height * 8 }}>
        {!rows &&
          Array.from({ length: 8 }, (_, index) => (
            <div role="row" className="table-row" key={index} style={{ transform: `translateY(${index * height}px)` }}>
              {columns.map((column, at) => (
                <span role="cell" key={column.name} className={cellClass(column)}>
                  <Skeleton width={`${40 + ((index * 3 + at * 7) % 5) * 10}%`} />
                </span>
              ))}
            </div>
          ))}
        {rows &&
          items.map((item) => {
            const row = rows[item.index]!;
            return (
              <div
                role="row"
                key={item.key}
                className={`table-row ${link ? "table-row-link" : ""} ${fresh?.has(keyOf(row)) ? "table-row-fresh" : ""}`}
                aria-rowindex={item.index + 2}
                style={{ transform: `translateY(${item.start - offset}px)` }}
              >
                {columns.map((column) => (
                  <span role="cell" key={column.name} className={cellClass(column)}>
                    {column.leads && link ? (
                      <Link {...link(row)} className="row-link">
                        {column.cell(row)}
                      </Link>
                    ) : (
                      column.cell(row)
                    )}
                  </span>
                ))}
              </div>
            );
          })}
      </div>
      {more?.loading && (
        <p className="table-more" role="status">
          Loading more…
        </p>
      )}
    </div>
  );
}

/** Where rows come on top while somebody reads further down, what is read stays where it is. */
function useSteadyScroll(keys: readonly string[] | undefined, height: number, offset: number) {
  const before = useRef<string>(undefined);
  const first = keys?.[0];
  useLayoutEffect(() => {
    const added = before.current ? (keys?.indexOf(before.current) ?? -1) : -1;
    before.current = first;
    if (added > 0 && window.scrollY > offset) window.scrollBy(0, added * height);
  }, [first]);
}

function cellClass<Row>(column: Column<Row>): string {
  return `cell ${column.align === "end" ? "cell-end" : ""} ${column.phone ? `phone-${column.phone}` : "phone-none"}`;
}

/** Whether the window is as narrow as a phone. */
export function usePhone(): boolean {
  const [query] = useState(() => matchMedia("(max-width: 760px)"));
  const [phone, setPhone] = useState(query.matches);
  useEffect(() => {
    const look = () => setPhone(query.matches);
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, [query]);
  return phone;
}
