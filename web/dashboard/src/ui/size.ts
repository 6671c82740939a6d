const units = ["B", "kB", "MB", "GB"];

/** A size in bytes, in the unit that suits it. */
export function bytes(n: number): string {
  let at = 0;
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return `${at === 0 ? n : n.toFixed(n < 10 ? 1 : 0)} ${units[at]}`;
}

const plain = new Intl.NumberFormat("en-GB");
const compact = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });

/** A count; lists are counted up to a limit, and that many stands for more, too. */
export function count(n: number, upTo?: number): string {
  return plain.format(n) + (upTo !== undefined && n >= upTo ? "+" : "");
}

/** A count for axes: 1.2K. */
export const short = (n: number) => compact.format(n);

/** A share from 0 to 1: 99.95 %. */
export function percent(share: number): string {
  const p = share * 100;
  return `${p === 100 || p === 0 ? p : p > 99 || p < 1 ? p.toFixed(2) : p.toFixed(1)} %`;
}

/** One or several of something. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
