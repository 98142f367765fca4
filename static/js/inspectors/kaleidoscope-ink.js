// How signals are drawn: a bit as a line that is low or high, a bus as segments that tell their value.

import { svg } from "../make.js";
import { placeAt, told, valueAt } from "./kaleidoscope-signal.js";

const ROW = { high: 28, space: 6 };
const TOP = 4;
const AXIS = 24;
const RIGHT = 18; // px, for half of the last number
const NAME = { least: 92, most: 160, value: 130 };
const WIDE = 640; // px from which on a column tells the values at the cursor
const LETTER = 6.7; // px of one, as wide as each other
const TICK_ROOM = 60;
const SLOPE = 2; // px of a bus's change

export const rowAt = (y) => Math.floor((y - TOP) / ROW.high);

const cut = (text, room) => {
  const most = Math.floor(room / LETTER);
  return text.length <= most ? text : most > 1 ? `${text.slice(0, most - 1)}…` : "";
};

/** @param {ReturnType<import("../drawing.js").drawing>} picture */
export function drawWaves(picture, look, width) {
  const { shown, stretch, cursor } = look;
  const longest = Math.max(...shown.signals.map(({ name }) => name.length)) * LETTER + 10;
  const name = Math.min(NAME.most, Math.max(NAME.least, longest));
  const left = name + (width >= WIDE ? NAME.value : 0);
  stretch.box = { left, right: width - RIGHT };
  const bottom = TOP + shown.signals.length * ROW.high;
  const nodes = [svg("rect", { class: "chosen", x: 0, y: TOP + look.signal * ROW.high, width, height: ROW.high })];
  const ticks = stretch.ticks(TICK_ROOM);
  nodes.push(svg("path", { class: "hair", d: ticks.map((at) => `M${stretch.x(at).toFixed(1)} ${TOP}V${bottom}`).join("") }));
  shown.signals.forEach((signal, row) => {
    const y = TOP + row * ROW.high;
    const middle = y + ROW.high / 2 + 4;
    nodes.push(svg("text", { x: 2, y: middle }, cut(signal.name, name - 8)));
    if (left > name) nodes.push(svg("text", { class: "quiet", x: name, y: middle }, cut(told(signal, valueAt(signal, cursor), look.radix), NAME.value - 10)));
    nodes.push(...trace(signal, { look, top: y + ROW.space / 2, high: ROW.high - ROW.space }));
  });
  nodes.push(
    svg("path", { class: "axis", d: `M${left} ${bottom + 0.5}H${width - RIGHT}${ticks.map((at) => `M${stretch.x(at).toFixed(1)} ${bottom}v5`).join("")}` }),
    ...ticks.map((at) => svg("text", { class: "quiet", x: stretch.x(at), y: bottom + 18, "text-anchor": "middle" }, String(at))),
  );
  if (cursor >= stretch.from && cursor <= stretch.to) nodes.push(svg("path", { class: "cursor", d: `M${stretch.x(cursor).toFixed(1)} 0V${bottom}` }));
  picture.show(width, bottom + AXIS, nodes);
}

/** What of a signal is in sight, as [from px, to px, value], and whether it goes on. */
function segments(signal, stretch) {
  const { changes } = signal;
  const found = [];
  const first = Math.max(0, placeAt(signal, stretch.from));
  for (let at = first; at < changes.length && changes[at][0] < stretch.to; at++) {
    const from = Math.max(stretch.from, changes[at][0]);
    const to = Math.min(stretch.to, changes[at + 1]?.[0] ?? stretch.to);
    found.push([stretch.x(from), stretch.x(to), changes[at][1]]);
  }
  return found;
}

function trace(signal, { look, top, high }) {
  const bottom = top + high;
  const parts = segments(signal, look.stretch);
  if (signal.kind === "bit") {
    const level = (value) => (value === null ? top + high / 2 : value ? top : bottom);
    const d = parts.map(([from, to, value], at) => `${at ? "L" : "M"}${from.toFixed(1)} ${level(value)}H${to.toFixed(1)}`).join("");
    return [svg("path", { class: parts.some(([, , value]) => value === null) ? "unknown" : "bit", d })];
  }
  const nodes = [];
  const lines = { bus: "", unknown: "" };
  for (const [from, to, value] of parts) {
    const slope = Math.min(SLOPE, (to - from) / 2);
    const [a, b] = [(from + slope).toFixed(1), (to - slope).toFixed(1)];
    const middle = top + high / 2;
    lines[value === null ? "unknown" : "bus"] += `M${from.toFixed(1)} ${middle}L${a} ${top}H${b}L${to.toFixed(1)} ${middle}L${b} ${bottom}H${a}z`;
    const text = cut(told(signal, value, look.radix), to - from - 2 * SLOPE - 4);
    if (text) nodes.push(svg("text", { x: (from + to) / 2, y: middle + 4, "text-anchor": "middle" }, text));
  }
  return [...Object.entries(lines).filter(([, d]) => d).map(([name, d]) => svg("path", { class: name, d })), ...nodes];
}
