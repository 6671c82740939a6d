/** The end of an axis: the next round number. */
export function roundUp(n: number): number {
  if (n <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 1.5, 2, 3, 4, 5, 6, 8, 10]) {
    if (n <= step * power) return step * power;
  }
  return 10 * power;
}

/** The indexes to label on an axis of so many points, evenly and not too many. */
export function labelled(points: number, most: number): number[] {
  if (points <= 1) return points === 1 ? [0] : [];
  const step = Math.max(1, Math.ceil(points / most));
  const all: number[] = [];
  for (let i = 0; i < points; i += step) all.push(i);
  return all;
}
