// A value with its interval, for the cell of a table.

import { svg } from "./make.js";

const SIZE = { width: 192, height: 20, edge: 6 };

/**
 * The interval as a line, the value as a dot, what knows nothing as a dotted line; an arrow where
 * some of it lies before the axis begins.
 * @param {{low: ?number, high: ?number, value: ?number}} told
 * @param {[number, number]} range of the axis
 * @param {number} nothing what knows nothing reaches
 */
export function forest({ low, high, value }, [from, to], nothing) {
  const { width, height, edge } = SIZE;
  const middle = height / 2;
  const x = (at) => (edge + ((Math.max(at, from) - from) / (to - from || 1)) * (width - 2 * edge)).toFixed(1);
  const drawn = svg("svg", { class: "forest", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  drawn.append(svg("line", { class: "chance", x1: x(nothing), x2: x(nothing), y1: 0, y2: height }));
  if (low !== null) drawn.append(svg("line", { x1: x(low), x2: x(high), y1: middle, y2: middle }));
  if (value !== null && value >= from) drawn.append(svg("circle", { cx: x(value), cy: middle, r: 4 }));
  if ((low ?? value ?? from) < from) drawn.append(svg("path", { d: `M0 ${middle}l${edge} -4v8z` }));
  return drawn;
}
