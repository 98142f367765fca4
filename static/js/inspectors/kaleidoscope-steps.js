// Activations, layer by layer: for each word of 32 bytes a row of the golden model, one of the RTL
// under it, and the float network's, brought to the same scale. What differs is ringed.

import { drawing, onWidth } from "../drawing.js";
import { svg } from "../make.js";
import { colourBar, scale } from "../scale.js";

const WORD = 32; // bytes
const ROW = { high: 12, space: 6, title: 20 };
const NAME = 44; // px for golden, RTL, float
const INT8 = [-128, 127];

/** The rows of a step that are there, as int8. */
function rowsOf({ golden, rtl, float, scale: unit }) {
  const rows = [["golden", golden]];
  if (rtl) rows.push(["RTL", rtl]);
  if (float) rows.push(["float", float.map((value) => value / unit)]);
  return rows;
}

export function stepsView() {
  const element = document.querySelector("[data-steps]");
  const bar = document.querySelector("[data-steps-bar]");
  let shown = null;
  let flow = 0;
  const picture = drawing(element, {
    title: "Activations, RTL beside golden",
    unit: "int8",
    keyboard: false,
    name: () => `flow-${flow}-activations`,
    table: () => ({
      columns: ["step", "index", "golden", "RTL", "float"],
      rows: shown.steps.flatMap(({ name, golden, rtl, float }) => golden.map((value, at) => [name, at, value, rtl?.[at] ?? null, float?.[at] ?? null])),
    }),
  });
  const redraw = onWidth(element, (width) => shown && draw(width));

  function draw(width) {
    const shades = scale(INT8, { diverging: true });
    const cell = (width - NAME) / WORD;
    const nodes = [];
    let y = 0;
    for (const step of shown.steps) {
      y += ROW.title;
      const differing = step.rtl ? step.golden.filter((value, at) => value !== step.rtl[at]).length : null;
      const told = differing === null ? "no RTL beside it" : differing ? `${differing} of ${step.golden.length} differ` : "equal";
      nodes.push(svg("text", { x: 0, y: y - 6 }, `${step.name}: ${step.golden.length} values, ${told}`));
      y = words(step, { nodes, y, cell, shades });
    }
    picture.show(width, y, nodes);
    bar.replaceChildren(colourBar(shades, "activation"));
  }

  function words(step, { nodes, y, cell, shades }) {
    const rows = rowsOf(step);
    for (let from = 0; from < step.golden.length; from += WORD) {
      rows.forEach(([name, values], row) => {
        const top = y + row * ROW.high;
        nodes.push(svg("text", { class: "quiet", x: 0, y: top + 10, "font-size": 10 }, name));
        values.slice(from, from + WORD).forEach((value, at) => {
          nodes.push(svg("rect", { x: NAME + at * cell, y: top, width: cell - 0.5, height: ROW.high - 1, fill: shades.css(value) }));
        });
      });
      step.rtl?.slice(from, from + WORD).forEach((value, at) => {
        if (value === step.golden[from + at]) return;
        nodes.push(svg("rect", { class: "differs", x: NAME + at * cell, y, width: cell, height: 2 * ROW.high - 1 }));
      });
      y += rows.length * ROW.high + ROW.space;
    }
    return y;
  }

  return {
    show(answer, which) {
      shown = answer;
      flow = which;
      redraw();
    },
  };
}
