// The replayed load: what was offered and served, and how queues and cores stood over time.

import { chart } from "../charts.js";
import { figures } from "./figures.js";
import { count, known, percent, round } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} overview */
export function load({ load: found, hardware }) {
  const { offered_gbps: offered, served_gbps: served, drops, stalls, time } = found;
  figures(pick("[data-load-figures]"), [
    ["Offered", `${round(offered)} Gbit/s`, `${count(found.packets)} packets in ${count(found.cycles)} cycles`],
    ["Served", `${round(served)} Gbit/s`, percent(served / offered)],
    ["Jobs", count(found.jobs)],
    ["Dropped", count(drops.mouse + drops.elephant), `${count(drops.mouse)} mouse, ${count(drops.elephant)} elephant`],
    ["Stalls of the data plane", count(stalls)],
    ["Simulator", known(found.cycles_per_second) ? `${count(Math.round(found.cycles_per_second))} cycles/s` : "–", known(found.cycles_per_second) ? "" : "no RTL ran"],
  ]);
  const over = (element, { title, unit, lines, most }) =>
    chart(pick(element), {
      title,
      unit,
      traces: lines.map(([name, slot, y]) => ({ name, slot, mode: "lines", x: time, y, line: { shape: "hv" } })),
      layout: { xaxis: { title: "cycle" }, yaxis: { rangemode: "tozero", ...(most && { range: [0, most] }) } },
    });
  over("[data-depth]", {
    title: "Depth of the FIFOs",
    unit: "jobs",
    lines: [["mouse", 2, found.mouse_depth], ["elephant", 6, found.elephant_depth]],
  });
  const cores = hardware.fpe + hardware.hpe;
  over("[data-busy]", { title: "Busy cores", unit: `of ${cores}`, lines: [["busy", 3, found.busy]], most: cores });
  over("[data-dropped]", { title: "Dropped so far", unit: "jobs", lines: [["dropped", 1, found.dropped]] });
}
