// The payload as a map: each byte in hex and ASCII, as int8 under it, and a strip that says how far
// the winning margin falls when that byte is zeroed.

import { drawing, onWidth } from "../drawing.js";
import { svg } from "../make.js";
import { colourBar, extent, scale, short } from "../scale.js";
import { ascii, hex } from "./kaleidoscope-words.js";

const CELL = { least: 26, most: 52, high: 58, strip: 6 };
const OFFSET = 34; // px for the number of a row's first byte
const BRIGHT = 0.5; // of the luminance, from which on ink is black

/** Black or white, whichever is read on it. @param {number[]} rgb */
export const inkOn = ([red, green, blue]) => ((0.299 * red + 0.587 * green + 0.114 * blue) / 255 > BRIGHT ? "#14171a" : "#fbfaf7");

/** @param {any} overview */
export function bytesView({ input_bytes: wanted }) {
  let shown = null;
  let at = 0;
  let flow = 0;
  const picture = drawing(document.querySelector("[data-bytes]"), {
    title: "Payload bytes",
    unit: "hex and ASCII, with the int8 that the network reads",
    role: "map of bytes",
    name: () => `flow-${flow}-bytes`,
    table: () => ({
      columns: ["byte", "value", "hex", "ASCII", "int8", "margin lost without it"],
      rows: shown.bytes.map((value, place) => [place, value, hex(value), ascii(value), shown.encoded[place] ?? null, shown.saliency[place] ?? null]),
    }),
  });
  const bars = document.querySelector("[data-bytes-bars]");
  const redraw = onWidth(document.querySelector("[data-bytes]"), (width) => shown && draw(width));
  let columns = 16;

  function draw(width) {
    const room = Math.floor((width - OFFSET) / CELL.least);
    columns = room >= 32 ? 32 : room >= 16 ? 16 : 8;
    const cell = Math.min(CELL.most, (width - OFFSET) / columns);
    const shades = scale([0, 255]);
    const lost = scale(extent(shown.saliency, { diverging: true }), { diverging: true });
    const nodes = shown.bytes.flatMap((value, place) => {
      const [x, y] = [OFFSET + (place % columns) * cell, Math.floor(place / columns) * CELL.high];
      const middle = x + cell / 2;
      const ink = inkOn(shades.rgb(value));
      const strip = shown.saliency[place];
      const row = place % columns === 0 ? [svg("text", { class: "quiet", x: 0, y: y + 16 }, String(place))] : [];
      return [
        ...row,
        svg("rect", { x: x + 0.5, y: y + 1, width: cell - 1, height: 32, fill: shades.css(value) }),
        svg("text", { x: middle, y: y + 14, "text-anchor": "middle", style: `fill:${ink}` }, hex(value)),
        svg("text", { x: middle, y: y + 28, "text-anchor": "middle", style: `fill:${ink}` }, ascii(value)),
        svg("text", { class: "quiet", x: middle, y: y + 44, "text-anchor": "middle", "font-size": 10 }, String(shown.encoded[place] ?? "")),
        ...(strip === undefined ? [] : [svg("rect", { x: x + 0.5, y: y + 48, width: cell - 1, height: CELL.strip, fill: lost.css(strip) })]),
      ];
    });
    const [x, y] = [OFFSET + (at % columns) * cell, Math.floor(at / columns) * CELL.high];
    nodes.push(svg("rect", { class: "ring", x: x + 1, y: y + 1, width: cell - 2, height: CELL.high - 4 }));
    picture.show(width, Math.ceil(shown.bytes.length / columns) * CELL.high, nodes);
    bars.replaceChildren(colourBar(shades, "value of the byte"), colourBar(lost, "margin lost"));
  }

  function tell() {
    const value = shown.bytes[at];
    const lost = shown.saliency[at];
    const role = at < shown.kept ? "" : ", padding";
    const why = lost === undefined ? "" : `; zeroed, the winning margin ${lost < 0 ? "grows" : "falls"} by ${short(Math.abs(lost))}`;
    picture.say(`Byte ${at} of ${wanted}: 0x${hex(value)} ${ascii(value)} = ${value}${role}, read as ${shown.encoded[at] ?? "–"}${why}`);
    redraw();
  }

  function reach(place) {
    if (!shown || place < 0 || place >= shown.bytes.length) return;
    at = place;
    tell();
  }

  picture.svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    reach(at + by);
  });
  picture.svg.addEventListener("click", (event) => {
    const box = picture.svg.getBoundingClientRect();
    const cell = Math.min(CELL.most, (box.width - OFFSET) / columns);
    const column = Math.floor((event.clientX - box.left - OFFSET) / cell);
    if (column >= 0 && column < columns) reach(Math.floor((event.clientY - box.top) / CELL.high) * columns + column);
  });
  return {
    show(answer, which) {
      shown = answer;
      flow = which;
      at = Math.min(at, answer.bytes.length - 1);
      tell();
    },
  };
}
