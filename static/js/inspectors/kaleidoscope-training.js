// Live curves: what the network learns, then what the simulated hardware does.

import { chart } from "../charts.js";
import { feed } from "../jobs/feed.js";
import { busyCores, busyLayout } from "./kaleidoscope-busy.js";

const LEARNT = /^train\.(?:(.+)\.)?(loss|val_accuracy)$/; // of the job's network, or of each family

function learnt(metric) {
  const found = [];
  for (const [key, { step, value }] of feed().series) {
    const [, family, last] = LEARNT.exec(key) ?? [];
    if (last === metric) found.push({ name: family ?? "network", mode: "lines", x: [...step], y: [...value] });
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

function simulated(...keys) {
  return keys.flatMap(([key, name, slot]) => {
    const series = feed().series.get(`sim.${key}`);
    return series ? [{ name, slot, mode: "lines", x: [...series.step], y: [...series.value] }] : [];
  });
}

const ZERO = { rangemode: "tozero" };
const FIGURES = [
  { title: "Loss", unit: "nats", axis: "step", traces: () => learnt("loss") },
  { title: "Accuracy on validation", unit: "share", axis: "step", traces: () => learnt("val_accuracy") },
  { title: "Speed of the simulator", unit: "cycles/s", yaxis: ZERO, traces: () => simulated(["cycles_per_second", "cycles/s", 5]) },
  { title: "Simulated so far", unit: "cycles", yaxis: ZERO, traces: () => simulated(["cycles", "cycles", 5]) },
  { title: "Inferences", yaxis: ZERO, traces: () => simulated(["inferences", "inferences", 3]) },
  {
    title: "Mismatches and drops",
    unit: "so far",
    yaxis: ZERO,
    traces: () => simulated(["mismatches", "against golden", 6], ["drops", "dropped jobs", 1]),
  },
  { title: "Busy cores", unit: "share of the cycles since the last report", traces: busyCores, layout: busyLayout },
  {
    title: "Most jobs in a FIFO",
    unit: "since the last report",
    yaxis: ZERO,
    traces: () => simulated(["mouse_depth", "mice", 2], ["elephant_depth", "elephants", 6]),
  },
];

export function training() {
  const box = document.querySelector("[data-training]");
  const none = document.querySelector("[data-no-training]");
  const drawn = new Map();

  function show() {
    for (const figure of FIGURES) {
      const { title, unit, axis = "report of the simulator", yaxis = {}, layout = () => ({ yaxis }) } = figure;
      const traces = figure.traces();
      const shown = { xaxis: { title: axis }, ...layout(traces) };
      if (drawn.has(figure)) {
        drawn.get(figure).update(traces, shown);
      } else if (traces.length) {
        const element = document.createElement("figure");
        const after = FIGURES.slice(0, FIGURES.indexOf(figure)).filter((one) => drawn.has(one)).length;
        box.insertBefore(element, box.children[after] ?? null);
        drawn.set(figure, chart(element, { title, unit, traces, layout: shown }));
      }
    }
    none.hidden = drawn.size > 0;
  }

  feed().withSeries();
  feed().on("reset", show);
  feed().on("points", show);
}
