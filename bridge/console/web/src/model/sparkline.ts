/** The last values of something as a line: for drawing only. */

export const KEPT = 120;

export function withValue(values: readonly number[], value: number): number[] {
  return [...values, value].slice(-KEPT);
}

/** The line's path in a box; the newest value is at its right edge, and the largest touches its top. */
export function linePath(values: readonly number[], width: number, height: number): string {
  if (values.length === 0) return "";
  const most = Math.max(...values, 1e-9);
  const step = width / (KEPT - 1);
  return values
    .map((value, place) => {
      const x = width - (values.length - 1 - place) * step;
      const y = height - (value / most) * (height - 2) - 1;
      return `${place === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("");
}
