// SPDX-License-Identifier: Apache-2.0
// Turns columns into lines and areas. Steps without a value break a line; one that stands alone is a dot.

/** What is drawn to: a Path2D, or a record of the calls. */
export interface PathTarget {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  arc(x: number, y: number, radius: number, start: number, end: number): void;
}

export type Position = (value: number) => number;

/** Radius of a value that stands alone, in the target's pixels. */
const DOT_RADIUS = 1.5;

/** Draws `values` over `times`. */
export function traceLine(
  path: PathTarget,
  times: Float64Array,
  values: Float64Array,
  x: Position,
  y: Position,
): void {
  let open = false;
  for (let k = 0; k < values.length; k++) {
    const value = values[k] as number;
    if (Number.isNaN(value)) {
      open = false;
      continue;
    }
    const px = x(times[k] as number);
    const py = y(value);
    if (open) path.lineTo(px, py);
    else path.moveTo(px, py);
    const isLast = k + 1 === values.length || Number.isNaN(values[k + 1] as number);
    if (!open && isLast) {
      path.moveTo(px + DOT_RADIUS, py);
      path.arc(px, py, DOT_RADIUS, 0, 2 * Math.PI);
    }
    open = true;
  }
}

/** Fills between two edges that are present at the same steps: one closed shape per run of values. */
export function traceArea(
  path: PathTarget,
  times: Float64Array,
  tops: Float64Array,
  bottoms: Float64Array,
  x: Position,
  y: Position,
): void {
  let start = 0;
  while (start < tops.length) {
    if (Number.isNaN(tops[start] as number)) {
      start += 1;
      continue;
    }
    let end = start;
    while (end + 1 < tops.length && !Number.isNaN(tops[end + 1] as number)) end += 1;
    path.moveTo(x(times[start] as number), y(bottoms[start] as number));
    for (let k = start; k <= end; k++) path.lineTo(x(times[k] as number), y(tops[k] as number));
    for (let k = end; k >= start; k--) path.lineTo(x(times[k] as number), y(bottoms[k] as number));
    start = end + 1;
  }
}
