// Occupancy and listing, each of which leads to the other; how well the cores are used; the layers.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { short } from "../scale.js";
import { gantt } from "./kaleidoscope-gantt.js";
import { listingView } from "./kaleidoscope-listing.js";
import { figures } from "./figures.js";
import { count, percent } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} overview */
export function cores(overview) {
  const spans = gantt(overview, (pc) => listing.show(pc));
  const listing = listingView(overview, (pc) => spans.show(pc));
  used(overview);
  layers(overview.layers);
}

function used({ occupancy: { cores: all, kinds, from, to }, utilisation }) {
  const share = (spans, kind) => spans.reduce((sum, [, cycles, one]) => sum + (one === kind ? cycles : 0), 0) / (to - from);
  const tones = { issue: "--series-5", gap: "--edge", idle: "--rule" };
  chart(pick("[data-utilisation]"), {
    title: "What the cores' cycles go to",
    unit: "share of the window above",
    traces: kinds.map((kind) => ({ type: "bar", orientation: "h", name: kind, marker: { color: tones[kind] }, x: all.map(({ spans }) => share(spans, kind)), y: all.map(({ name }) => name) })),
    layout: { barmode: "stack", xaxis: { range: [0, 1] }, yaxis: { type: "category", autorange: "reversed" }, margin: { l: 64, r: 12, t: 28, b: 36 }, height: 120 + 24 * all.length },
    table: () => ({
      columns: ["core", ...kinds],
      rows: all.map(({ name, spans }) => [name, ...kinds.map((kind) => share(spans, kind))]),
    }),
  });
  figures(pick("[data-utilisation-figures]"), [
    ["Issue slots used", percent(utilisation.issue), "over the whole run"],
    ["Useful MACs", percent(utilisation.useful_macs), "of all multipliers"],
    ["Gaps", percent(utilisation.gap)],
    ["Idle", percent(utilisation.idle)],
  ]);
}

const COLUMNS = [
  ["Kind", ({ kind }) => kind],
  ["Shape", ({ shape }) => shape?.join(" × ") ?? "–"],
  ["Tiles", ({ tiles }) => count(tiles)],
  ["Skipped", ({ skipped }) => count(skipped)],
  ["Issues", ({ issues }) => count(issues)],
  ["Cycles", ({ first, last }) => `${first} to ${last}`],
  ["m, s", ({ multiplier, shift }) => (multiplier === null ? "raw" : `${multiplier}, ${shift}`)],
  ["MACs", ({ macs }) => count(macs)],
  ["Largest |acc|", ({ bound }) => count(bound)],
  ["Error, largest", ({ error }) => short(error?.max)],
  ["Error, mean", ({ error }) => short(error?.mean)],
  ["SNR, dB", ({ error }) => short(error?.snr_db)],
];

function layers(rows) {
  const table = pick("[data-layers]");
  const words = (title) => title === "Kind" || title === "Shape";
  table.tHead.rows[0].replaceChildren(html("th", { scope: "col" }, "Layer"), ...COLUMNS.map(([title]) => html("th", { scope: "col", class: !words(title) && "num" }, title)));
  table.tBodies[0].replaceChildren(
    ...rows.map((row) => html("tr", {}, html("th", { scope: "row" }, row.name), ...COLUMNS.map(([title, told]) => html("td", { class: words(title) ? "nowrap" : "num" }, told(row))))),
  );
}
