// What each core does in each cycle of a window: instructions by the colour of their layer, gaps
// that a schedule leaves, idle time. A span is chosen, and with it its instruction.

import { drawing, onWidth } from "../drawing.js";
import { html, svg } from "../make.js";
import { SLOTS } from "../palette.js";
import { Stretch } from "../stretch.js";

const ROW = { high: 28, bar: 20, thin: 6 };
const EDGE = { left: 58, right: 18, axis: 24 };
const TICK_ROOM = 70; // px
const LABEL_ROOM = 22; // px from which on a span says its pc
const LEAST = 20; // cycles in sight
const MOVE = 0.25; // of what is in sight

const lasts = ([start, cycles]) => start + cycles;
const isIssue = ([, , kind]) => kind === "issue";

/**
 * @param {any} overview
 * @param {(pc: ?number) => void} choose hears of no instruction where a core is idle
 */
export function gantt({ occupancy, listing }, choose) {
  const { cores, from, to } = occupancy;
  const element = document.querySelector("[data-gantt]");
  const layerOf = new Map(listing.map(({ pc, layer }) => [pc, layer]));
  const textOf = new Map(listing.map(({ pc, text }) => [pc, text]));
  const layers = [...new Set(listing.map(({ layer }) => layer))];
  const slotOf = (layer) => (layers.indexOf(layer) % SLOTS) + 1;
  let here = { core: 0, at: -1 };
  let instruction = null; // every span of it is ringed
  const picture = drawing(element, {
    title: "Occupancy of the cores",
    unit: "clock cycles",
    name: () => `occupancy-${from}-${to}`,
    table: () => ({
      columns: ["core", "first cycle", "cycles", "kind", "pc", "job"],
      rows: cores.flatMap(({ name, spans }) => spans.map((span) => [name, ...span])),
    }),
  });
  const redraw = onWidth(element, draw);
  const stretch = new Stretch([from, to], Math.min(LEAST, to - from), redraw);
  stretch.hands(picture.svg, (x, y) => {
    const core = Math.floor(y / ROW.high);
    const cycle = stretch.at(x);
    const at = cores[core]?.spans.findIndex((span) => span[0] <= cycle && cycle < lasts(span)) ?? -1;
    if (at >= 0) pick(core, at);
  });
  stretch.buttons(document.querySelector('[data-zooms="gantt"]'));
  legend();

  function draw(width) {
    stretch.box = { left: EDGE.left, right: width - EDGE.right };
    const shapes = new Map(); // class -> path
    const texts = [];
    cores.forEach(({ name, spans }, core) => {
      const top = core * ROW.high + (ROW.high - ROW.bar) / 2;
      texts.push(svg("text", { x: 0, y: top + 14 }, name));
      for (const span of spans) {
        if (out(span)) continue;
        const [left, right] = [Math.max(EDGE.left, stretch.x(span[0])), Math.min(width - EDGE.right, stretch.x(lasts(span)))];
        add(shapes, span, { left, right, top });
        if (isIssue(span) && right - left >= LABEL_ROOM) texts.push(svg("text", { x: (left + right) / 2, y: top + 14, "text-anchor": "middle", class: "label" }, String(span[3])));
      }
    });
    const bottom = cores.length * ROW.high;
    const nodes = [...shapes].map(([name, d]) => svg("path", { class: name, d }));
    picture.show(width, bottom + EDGE.axis, [...nodes, ...rings(), ...texts, ...axis(bottom)]);
  }

  /** Whether nothing of it is in sight. */
  function out(span) {
    return lasts(span) <= stretch.from || span[0] >= stretch.to;
  }

  function add(shapes, [, , kind, pc], { left, right, top }) {
    const name = kind === "issue" ? `slot-${slotOf(layerOf.get(pc))}` : kind;
    const width = Math.max(0.75, right - left - (right - left > 4 ? 0.75 : 0)).toFixed(2);
    const middle = top + ROW.bar / 2;
    const high = kind === "issue" ? ROW.bar : ROW.thin;
    const d = kind === "idle" ? `M${left.toFixed(2)} ${middle}h${width}` : `M${left.toFixed(2)} ${middle - high / 2}h${width}v${high}h-${width}z`;
    shapes.set(name, (shapes.get(name) ?? "") + d);
  }

  /** Around the chosen span, and under all others of the same instruction. */
  function rings() {
    const found = [];
    cores.forEach(({ spans }, core) => {
      spans.forEach((span, at) => {
        const chosen = core === here.core && at === here.at;
        const same = instruction !== null && span[3] === instruction && isIssue(span);
        if (!(chosen || same) || out(span)) return;
        const [x, wide] = [stretch.x(span[0]), stretch.x(lasts(span)) - stretch.x(span[0])];
        if (chosen) found.push(svg("rect", { class: "ring", x: x - 1.5, y: core * ROW.high + 2, width: Math.max(3, wide + 3), height: ROW.high - 4 }));
        else found.push(svg("path", { class: "cursor", d: `M${x.toFixed(1)} ${(core + 1) * ROW.high - 2}h${Math.max(3, wide).toFixed(1)}` }));
      });
    });
    return found;
  }

  function axis(bottom) {
    const line = `M${stretch.box.left} ${bottom + 0.5}H${stretch.box.right}`;
    const ticks = stretch.ticks(TICK_ROOM);
    const marks = ticks.map((at) => `M${stretch.x(at).toFixed(1)} ${bottom}v5`).join("");
    return [
      svg("path", { class: "axis", d: line + marks }),
      ...ticks.map((at) => svg("text", { class: "quiet", x: stretch.x(at), y: bottom + 18, "text-anchor": "middle" }, String(at))),
    ];
  }

  function pick(core, at) {
    here = { core, at };
    const span = cores[core].spans[at];
    const [start, cycles, kind, pc, tag] = span;
    const where = `${cores[core].name}, cycle ${start}${cycles > 1 ? ` to ${start + cycles - 1}` : ""}: ${kind}`;
    instruction = pc;
    const told = pc === null ? "" : ` of pc ${pc}, ${textOf.get(pc)}; layer ${layerOf.get(pc)}, job ${tag}`;
    picture.say(where + told);
    stretch.reach(start, lasts(span));
    choose(pc);
    redraw();
  }

  function step(by) {
    const { spans } = cores[here.core];
    const first = spans.findIndex((span) => span[0] >= stretch.from);
    const at = here.at < 0 ? first : Math.min(spans.length - 1, Math.max(0, here.at + by));
    if (at >= 0) pick(here.core, at);
  }

  function change(by) {
    const core = Math.min(cores.length - 1, Math.max(0, here.core + by));
    const cycle = cores[here.core].spans[here.at]?.[0] ?? stretch.from;
    const at = cores[core].spans.findIndex((span) => lasts(span) > cycle);
    if (at >= 0) pick(core, at);
  }

  picture.svg.addEventListener("keydown", (event) => {
    const { key, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const by = key === "ArrowLeft" ? -1 : 1;
      if (shiftKey) stretch.move(by * MOVE * (stretch.to - stretch.from));
      else step(by);
    } else if (key === "ArrowUp" || key === "ArrowDown") change(key === "ArrowUp" ? -1 : 1);
    else if (!stretch.key(key)) return;
    event.preventDefault();
  });

  function legend() {
    const entry = (name, words) => html("li", {}, html("span", { class: `swatch ${name}` }), ` ${words}`);
    document.querySelector("[data-gantt-legend]").replaceChildren(
      ...layers.map((layer) => entry(`slot-${slotOf(layer)}`, layer)),
      entry("gap", "gap: the next instruction waits"),
      entry("idle", "idle: no job"),
    );
  }

  return {
    /** Goes to the next span of this instruction, from what is in sight on. */
    show(pc) {
      const found = cores.flatMap(({ spans }, core) => spans.map((span, at) => ({ span, core, at })).filter(({ span }) => isIssue(span) && span[3] === pc));
      found.sort((a, b) => a.span[0] - b.span[0]);
      const { core, at } = found.find(({ span }) => span[0] >= stretch.from) ?? found[0] ?? {};
      if (core !== undefined) pick(core, at);
      else picture.say(`pc ${pc} does not issue in this window.`);
    },
  };
}
