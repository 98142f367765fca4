// The surface of a topomap: its picture, and lines of equal value on it.

import { html } from "./make.js";

const STEPS = 7; // lines between the ends of the scale, and one more
const REACH = 2; // cells around the head that borrow from it, so that its edge is not blurred

/**
 * @param {{size: number, inside: number[], weights: number[][]}} topography
 * @param {number[]} values of each channel
 * @param {{low: number, high: number, rgb: (value: number) => number[]}} shades
 * @returns {{image: string, lines: string}} a data address, and a path in the head's coordinates
 */
export function field({ size, inside, weights }, values, shades) {
  const grid = new Float64Array(size * size).fill(NaN);
  inside.forEach((place, row) => {
    grid[place] = weights[row].reduce((sum, weight, at) => sum + weight * values[at], 0);
  });
  for (let round = 0; round < REACH; round++) spread(grid, size);
  return { image: picture(grid, size, shades), lines: isolines(grid, size, shades) };
}

/** Cells without a value get the mean of their neighbours that have one. */
function spread(grid, size) {
  const before = grid.slice();
  for (let place = 0; place < grid.length; place++) {
    if (!Number.isNaN(before[place])) continue;
    const column = place % size;
    const around = [
      column > 0 ? before[place - 1] : NaN,
      column < size - 1 ? before[place + 1] : NaN,
      before[place - size] ?? NaN,
      before[place + size] ?? NaN,
    ].filter((value) => !Number.isNaN(value));
    if (around.length) grid[place] = around.reduce((sum, value) => sum + value, 0) / around.length;
  }
}

function picture(grid, size, { rgb }) {
  const canvas = html("canvas", { width: size, height: size });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(size, size);
  grid.forEach((value, place) => {
    if (!Number.isNaN(value)) image.data.set([...rgb(value), 255], 4 * place);
  });
  pen.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

// Marching squares: which edges of a cell (top, right, bottom, left) a line joins, by which of its
// corners (top left, top right, bottom right, bottom left) lie above.
const JOINS = [
  [], [[3, 2]], [[2, 1]], [[3, 1]], [[0, 1]], [[0, 3], [2, 1]], [[0, 2]], [[0, 3]],
  [[0, 3]], [[0, 2]], [[0, 1], [3, 2]], [[0, 1]], [[3, 1]], [[2, 1]], [[3, 2]], [],
];

function isolines(grid, size, { low, high }) {
  const unit = 2 / (size - 1);
  const parts = [];
  for (let step = 1; step < STEPS; step++) {
    const level = low + (step / STEPS) * (high - low);
    for (let row = 0; row < size - 1; row++) {
      for (let column = 0; column < size - 1; column++) {
        const at = row * size + column;
        const corners = [grid[at], grid[at + 1], grid[at + size + 1], grid[at + size]];
        const above = corners.reduce((bits, value) => 2 * bits + (value > level ? 1 : 0), 0);
        if (above === 0 || above === 15 || corners.some(Number.isNaN)) continue;
        for (const join of JOINS[above]) {
          const [from, to] = join.map((edge) => crossing(edge, corners, level));
          parts.push(
            `M${(-1 + unit * (column + from.x)).toFixed(3)} ${(-1 + unit * (row + from.y)).toFixed(3)}` +
              `L${(-1 + unit * (column + to.x)).toFixed(3)} ${(-1 + unit * (row + to.y)).toFixed(3)}`,
          );
        }
      }
    }
  }
  return parts.join("");
}

/** Where a level crosses an edge of a cell, as shares of the cell. */
function crossing(edge, [topLeft, topRight, bottomRight, bottomLeft], level) {
  const share = (from, to) => (level - from) / (to - from);
  if (edge === 0) return { x: share(topLeft, topRight), y: 0 };
  if (edge === 1) return { x: 1, y: share(topRight, bottomRight) };
  if (edge === 2) return { x: share(bottomLeft, bottomRight), y: 1 };
  return { x: 0, y: share(topLeft, bottomLeft) };
}
