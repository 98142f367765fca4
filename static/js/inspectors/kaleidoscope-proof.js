// That packets never wait for the engine, and how much room a core takes.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { count } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);
const PARTS = [
  ["dsp", "DSP"],
  ["lut", "LUT"],
  ["ff", "flip-flops"],
  ["carry", "carry"],
  ["bram18", "BRAM 18"],
  ["bram36", "BRAM 36"],
];

/** @param {any} overview */
export function proof({ bypass: { rows }, resources }) {
  pick("[data-bypass] tbody").replaceChildren(
    ...rows.map(({ engine, hash, delay: [least, most], stalls }) =>
      html("tr", {}, html("th", { scope: "row" }, engine), html("td", { class: "mono" }, hash), html("td", { class: "num" }, least === most ? String(least) : `${least} to ${most}`), html("td", { class: "num" }, count(stalls))),
    ),
  );
  if (rows.length === 0) {
    pick("[data-bypass-told]").textContent = "Not shown: no RTL ran, and the cycle model has no data plane.";
    area(resources);
    return;
  }
  const alike = rows.every((row) => row.hash === rows[0].hash && String(row.delay) === String(rows[0].delay) && row.stalls === 0);
  pick("[data-bypass-told]").textContent = alike
    ? "The same packets left in the same order after the same delay, with the engine off, on and overloaded."
    : "What left the data plane was not the same in each of these runs.";
  area(resources);
}

function area(resources) {
  pick("[data-no-resources]").hidden = resources !== null;
  if (!resources) return;
  const known = PARTS.filter(([key]) => resources[key] !== null && resources[key] !== undefined);
  chart(pick("[data-resources]"), {
    title: `Resources, by ${resources.tool}`,
    unit: "cells, log scale",
    traces: [{ type: "bar", name: "cells", slot: 5, x: known.map(([, name]) => name), y: known.map(([key]) => resources[key]), text: known.map(([key]) => count(resources[key])), textposition: "outside" }],
    layout: { xaxis: { type: "category" }, yaxis: { type: "log", dtick: 1 }, margin: { l: 48, r: 12, t: 24, b: 36 } },
    note: `Synthesised in ${Math.round(resources.seconds)} s.`,
  });
}
