// How long jobs wait as the load grows, and how many cores each line needs.

import { chart } from "../charts.js";
import { round } from "./kaleidoscope-words.js";

/** @param {any} overview */
export function loadCurve({ cores_needed: needed, load }) {
  const drawn = chart(document.querySelector("[data-curve]"), {
    title: "Wait as the load grows",
    unit: "cycles",
    traces: [],
    layout: { xaxis: { title: "use of the cores", range: [0, 1] }, yaxis: { rangemode: "tozero" } },
  });
  const { lengths, clocks_mhz: clocks, cores } = needed;
  chart(document.querySelector("[data-needed]"), {
    title: `Cores needed for ${round(load.offered_gbps)} Gbit/s`,
    unit: "FPEs, inference on every packet",
    traces: [{ type: "heatmap", x: lengths.map(String), y: clocks.map(String), z: cores, texttemplate: "%{z}", showscale: false, xgap: 1, ygap: 1 }],
    layout: { xaxis: { title: "bytes of a packet", type: "category" }, yaxis: { title: "clock, MHz", type: "category" } },
  });
  const line = ({ curve }) => ({ name: "queueing model", slot: 5, mode: "lines", x: curve.load, y: curve.wait });
  const dot = (name, slot, use, wait) => ({ name, slot, mode: "markers", x: [use], y: [wait], marker: { size: 9 } });
  return {
    show(model) {
      drawn.update([line(model), dot("set above", 1, model.utilisation, model.wait_cycles)]);
      drawn.say("");
    },
    verified(model, rtl) {
      drawn.update([line(model), dot("set above", 1, model.utilisation, model.wait_cycles), dot("RTL", 6, model.utilisation, rtl.wait_cycles)]);
    },
  };
}
