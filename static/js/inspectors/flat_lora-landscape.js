// The loss around where the variants stand: along lines, over planes, in the space of the merged
// weights and in LoRA's own.

import { chart } from "../charts.js";
import { faint, SLOTS } from "../palette.js";
import { extent, short } from "../scale.js";
import { added, known, offer } from "./flat_lora-words.js";

const pick = (selector) => document.querySelector(selector);
const SPACES = { full: "the merged weights", lora: "LoRA's own space (A, B)" };
const DISTANCE = "distance, in lengths of each row";
const LEVELS = 12; // of a contour
const ROOM = { l: 48, r: 12, t: 28, b: 36 }; // px, for the legend above

/** @param {any} found */
export function landscape({ variants }) {
  const cut = (variant, kind, space) => variant.flatness.landscapes[kind]?.[space];
  const having = (kind, space) => variants.filter((variant) => cut(variant, kind, space));
  const planes = having("plane", "full");
  const none = having("line", "full").length + planes.length === 0;
  pick("[data-no-landscape]").hidden = !none;
  pick("[data-landscape]").hidden = none;
  if (none) return;
  const form = pick("[data-landscape-form]");
  for (const part of form.querySelectorAll("[data-planes-only]")) part.hidden = planes.length === 0;
  if (planes.length) {
    offer(form.elements.a, planes);
    offer(form.elements.b, planes, 1);
  }
  const drawn = new Map(); // space -> the chart of its lines
  let surfaces = []; // the charts of the planes

  /** What is on the axis: the loss, or how far it is above the loss at the centre. */
  const height = (variant) => {
    const centre = form.elements.height.value === "rise" ? atCentre(variant) : 0;
    return (value) => (known(value) && known(centre) ? value - centre : null);
  };

  function lines() {
    const all = Object.keys(SPACES).flatMap((space) => having("line", space).flatMap((variant) => cut(variant, "line", space).loss.flat().map(height(variant))));
    const [low, high] = extent(all);
    const pad = (high - low) / 20;
    // One range for both spaces: what is flat in one may be steep in the other.
    const layout = { xaxis: { title: DISTANCE }, yaxis: { range: [low - pad, high + pad] }, legend: { traceorder: "normal" }, margin: ROOM };
    for (const [space, where] of Object.entries(SPACES)) {
      const shown = having("line", space);
      if (shown.length === 0) continue;
      const traces = shown.flatMap((variant) => band(variant, cut(variant, "line", space), height(variant)));
      if (drawn.has(space)) {
        drawn.get(space).update(traces, layout);
      } else {
        const count = cut(shown[0], "line", space).loss.length;
        const whole = shown.every((variant) => cut(variant, "line", space).loss.flat().every(known));
        const note = `Mean of ${count} directions, the same for every variant; bands from the lowest to the highest of the ${count}.${whole ? "" : " A line ends where the loss of one is not finite."}`;
        drawn.set(space, chart(added(pick("[data-lines]")), { title: `Along random directions of ${where}`, unit: "nat", traces, layout, note }));
      }
    }
  }

  function planesOf(...names) {
    for (const one of surfaces) {
      one.destroy();
      one.element.remove();
    }
    const chosen = [...new Set(names)].map((name) => planes.find((variant) => variant.name === name));
    const shown = Object.entries(SPACES).flatMap(([space, where]) =>
      chosen.filter((variant) => cut(variant, "plane", space)).map((variant) => {
        const { at, loss, rechecked } = cut(variant, "plane", space);
        return { variant, where, at, rechecked, z: loss.map((row) => row.map(height(variant))) };
      }),
    );
    const [zmin, zmax] = extent(shown.flatMap(({ z }) => z.flat()));
    const contours = { start: zmin, end: zmax, size: (zmax - zmin) / LEVELS };
    surfaces = shown.map(({ variant, where, at, rechecked, z }) =>
      chart(added(pick("[data-planes]")), {
        title: `${variant.title}: a plane of ${where}`,
        unit: "nat",
        traces: [{ type: "contour", x: at, y: at, z, zmin, zmax, zauto: false, autocontour: false, contours }],
        layout: { xaxis: { title: "first direction" }, yaxis: { title: "second direction" } },
        note: `One colour scale for all of these planes. Points worked out again differ by at most ${short(rechecked)}.`,
      }),
    );
  }

  function show() {
    lines();
    if (planes.length) planesOf(form.elements.a.value, form.elements.b.value);
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("themechange", lines); // bands carry a colour of their own
  show();
}

/** The loss of the probe where the variant stands: that of E-sharpness on training rows. */
const atCentre = ({ flatness }) => Object.entries(flatness.sharpness).find(([key]) => key.startsWith("train."))[1].clean;

/** The mean of the directions, within what they reach; a direction that overflows is not left out
 * of it, which would flatten the others' mean. */
function band({ title, slot }, { at, loss }, height) {
  const columns = at.map((_, place) => loss.map((row) => height(row[place])));
  const of = (told) => columns.map((values) => (values.every(known) ? told(values) : null));
  const edge = { mode: "lines", slot, x: at, line: { width: 0 }, hoverinfo: "skip", showlegend: false };
  return [
    { ...edge, name: `${title}, lowest`, y: of((values) => Math.min(...values)) },
    { ...edge, name: `${title}, highest`, y: of((values) => Math.max(...values)), fill: "tonexty", fillcolor: faint(`--series-${((slot - 1) % SLOTS) + 1}`, 0.14) },
    { name: title, mode: "lines", slot, x: at, y: of((values) => values.reduce((sum, value) => sum + value, 0) / values.length) },
  ];
}
