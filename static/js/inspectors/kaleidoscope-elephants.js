// Mice and elephants: accuracy and load of both paths as the threshold moves; what the second verdict
// makes of the first.

import { chart } from "../charts.js";
import { share } from "./say.js";
import { figures } from "./figures.js";
import { count, nanoseconds, percent, round } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} overview */
export function elephants({ elephants: found, clock_mhz: clock }) {
  pick("[data-elephants]").hidden = found === null;
  pick("[data-no-elephants]").hidden = found !== null;
  if (!found) return;
  const { model, latency_cycles: latency, thresholds, rows, upgrade } = found;
  const slider = pick("#threshold");
  slider.max = thresholds.length - 1;
  const line = (name, slot, key) => ({ name, slot, mode: "lines+markers", x: thresholds, y: rows.map((row) => row[key]) });
  const at = (threshold) => ({
    xaxis: { title: "packets until a flow is an elephant", type: "log", tickvals: thresholds, ticktext: thresholds.map(String) },
    shapes: [{ type: "line", x0: threshold, x1: threshold, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot", color: "#888888" } }],
  });
  const accuracy = [line("all flows", 8, "accuracy"), line("elephants, first verdict", 2, "accuracy_mouse"), line("elephants, second verdict", 6, "accuracy_elephant")];
  const load = [line("load of the HPE", 6, "hpe_load")];
  const first = chart(pick("[data-threshold-accuracy]"), { title: "Accuracy of both paths", unit: "share", traces: accuracy, layout: at(thresholds[0]) });
  const second = chart(pick("[data-threshold-load]"), { title: "Load of the elephant core", unit: "share", traces: load, layout: { ...at(thresholds[0]), yaxis: { rangemode: "tozero" } } });
  chart(pick("[data-upgrade]"), {
    title: "What the second verdict makes of the first",
    unit: "flows",
    traces: [{ type: "heatmap", x: upgrade.classes, y: upgrade.classes, z: upgrade.table, texttemplate: "%{z}", showscale: false, xgap: 1, ygap: 1 }],
    layout: { xaxis: { title: "as an elephant", type: "category" }, yaxis: { title: "as a mouse", type: "category", autorange: "reversed" } },
  });

  function show() {
    const row = rows[Number(slider.value)];
    pick("[data-threshold-told]").textContent = `${row.threshold} packets on`;
    slider.setAttribute("aria-valuetext", `${row.threshold} packets`);
    figures(pick("[data-threshold-figures]"), [
      ["Accuracy", share(row.accuracy), "of all flows"],
      ["Elephants, first verdict", share(row.accuracy_mouse)],
      ["Elephants, second verdict", share(row.accuracy_elephant), `${count(row.elephants)} flows, by ${model}`],
      ["Load of the HPE", percent(row.hpe_load)],
      ["Verdict of an elephant", `${round(latency)} cycles`, `${round(nanoseconds(latency, clock))} ns`],
    ]);
    first.update(accuracy, at(row.threshold));
    second.update(load, { ...at(row.threshold), yaxis: { rangemode: "tozero" } });
  }

  slider.addEventListener("input", show);
  slider.form.addEventListener("submit", (event) => event.preventDefault());
  const middle = thresholds.indexOf(8);
  slider.value = middle < 0 ? 0 : middle;
  show();
}
