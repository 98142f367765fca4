// Latency of the verdicts, by both definitions, with the paper's two marks, and where it goes.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { figures } from "./figures.js";
import { count, nanoseconds, round } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} overview */
export function latency({ latency: found, clock_mhz: clock, backend }) {
  const { cycles, counts, first_bit: bit, marks, split, idle, predicted, headers } = found;
  const [least, most] = [cycles[0], cycles.at(-1)];
  const told = (value) => `${round(nanoseconds(value, clock))} ns at ${clock} MHz`;
  figures(pick("[data-latency-figures]"), [
    ["Idle core, slowest header", `${round(idle)} cycles`, told(idle)],
    ["Idle core, median", `${round(headers[0].median)} cycles`, told(headers[0].median)],
    ["Predicted by the compiler", `${round(predicted)} cycles`, differs(backend, idle - predicted)],
    ["Median", `${round(quantile(cycles, counts, 0.5))} cycles`, told(quantile(cycles, counts, 0.5))],
    ["99 %", `${round(quantile(cycles, counts, 0.99))} cycles`, told(quantile(cycles, counts, 0.99))],
    ["Slowest", `${round(most)} cycles`, told(most)],
  ]);
  pick("[data-headers]").tBodies[0].replaceChildren(...headers.map(header));
  const bars = (name, slot, one) => ({ type: "bar", name, slot, x: one.cycles, y: one.counts });
  const ends = [least, most, ...bit.cycles, ...marks];
  chart(pick("[data-latency]"), {
    title: "Verdicts by their latency",
    unit: "verdicts",
    traces: [bars("from the last needed byte", 5, { cycles, counts }), bars("from the first bit", 1, bit)],
    layout: {
      barmode: "group",
      xaxis: { title: "cycles", range: [Math.min(...ends) - 3, Math.max(...ends) + 3] },
      shapes: marks.map((at) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot", color: "#888888" } })),
      annotations: marks.map((at) => ({ x: at, yref: "paper", y: 1, yanchor: "top", xanchor: "right", showarrow: false, text: `${at} cycles<br>${round(nanoseconds(at, clock))} ns` })),
    },
    note: `${count(counts.reduce((sum, one) => sum + one, 0))} verdicts; the marks are the paper's fastest and slowest network, here at ${clock} MHz.`,
  });
  chart(pick("[data-split]"), {
    title: "Where the cycles go",
    unit: "cycles, mean",
    traces: Object.entries(split).map(([name, value]) => ({ type: "bar", orientation: "h", name, x: [value], y: ["verdict"] })),
    layout: { barmode: "stack", yaxis: { visible: false }, xaxis: { title: "cycles" } },
    table: () => ({ columns: ["part", "cycles", "ns"], rows: Object.entries(split).map(([name, value]) => [name, value, nanoseconds(value, clock)]) }),
  });
}

const header = ({ name, flows, least, median, most }) =>
  html("tr", {}, html("th", { scope: "row" }, name), ...[count(flows), round(least), round(median), round(most)].map((value) => html("td", { class: "num" }, value)));

const differs = ({ real }, cycles) => (real ? (cycles === 0 ? "as in RTL" : `RTL differs by ${round(cycles)}`) : "no RTL beside it");

/** The least latency that this share of the verdicts keeps to. */
function quantile(cycles, counts, share) {
  const all = counts.reduce((sum, one) => sum + one, 0);
  let sum = 0;
  return cycles.find((_, at) => (sum += counts[at]) >= share * all) ?? cycles.at(-1);
}
