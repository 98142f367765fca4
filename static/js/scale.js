// Numbers to colours: a sequential scale, or a diverging one around zero, from the theme's tokens.

import { html } from "./make.js";
import { colour } from "./palette.js";

const STOPS = {
  sequential: ["--map-1", "--map-2", "--map-3", "--map-4", "--map-5"],
  diverging: ["--map-below", "--map-below-soft", "--map-zero", "--map-above-soft", "--map-above"],
  // Of dots, which must be seen on the ground wherever they are on the scale.
  "sequential dots": ["--map-2", "--map-3", "--map-4", "--map-5"],
  "diverging dots": ["--map-below", "--edge", "--map-above"],
};
const LEVELS = 256;
const BAR = { width: 128, height: 8 };
const ALIKE = 1e-6; // of their size: numbers that differ by less are told as one

const channels = (token) => colour(token).match(/\d+/g).slice(0, 3).map(Number);

/** 256 colours as [r, g, b], in the theme of now. */
function ramp(kind) {
  const stops = STOPS[kind].map(channels);
  return Array.from({ length: LEVELS }, (_, level) => {
    const at = (level / (LEVELS - 1)) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    return stops[from].map((value, one) => Math.round(value + (at - from) * (stops[from + 1][one] - value)));
  });
}

/** Of Plotly's: the same colours for its heatmaps. */
export const plotlyScale = (kind) => STOPS[kind].map((token, at, all) => [at / (all.length - 1), colour(token)]);

/** The least and the largest of these numbers; around zero where the scale diverges. */
export function extent(values, { diverging = false } = {}) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  if (known.length === 0) return [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (diverging) {
    const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return [-most, most];
  }
  return high - low <= ALIKE * Math.abs(high) ? [low, low + (Math.abs(low) || 1)] : [low, high];
}

/**
 * @param {[number, number]} range
 * @param {{diverging?: boolean, dots?: boolean}} [how]
 */
export function scale([low, high], { diverging = false, dots = false } = {}) {
  const colours = ramp(`${diverging ? "diverging" : "sequential"}${dots ? " dots" : ""}`);
  const rgb = (value) => {
    const at = Math.round(((value - low) / (high - low)) * (LEVELS - 1));
    return colours[Math.min(LEVELS - 1, Math.max(0, at))];
  };
  return { low, high, rgb, css: (value) => `rgb(${rgb(value).join(", ")})`, colours };
}

/** As short as it can be said with three digits. */
export const short = (value) => {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const far = size !== 0 && (size < 0.001 || size >= 100_000);
  return (far ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replaceAll("-", "−");
};

/** The bar under a map: its colours, and what its two ends stand for. */
export function colourBar({ low, high, colours }, unit) {
  const canvas = html("canvas", { width: BAR.width, height: BAR.height, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  for (let x = 0; x < BAR.width; x++) {
    pen.fillStyle = `rgb(${colours[Math.round((x / (BAR.width - 1)) * (LEVELS - 1))].join(", ")})`;
    pen.fillRect(x, 0, 1, BAR.height);
  }
  const ends = [html("span", {}, short(low)), html("span", {}, `${short(high)} ${unit}`.trim())];
  return html("p", { class: "colour-bar small number" }, canvas, ...ends);
}
