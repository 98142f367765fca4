// Live curves: accuracy of the three readouts, losses over the agents as bands, attention.

import { chart } from "../charts.js";
import { feed } from "../jobs/feed.js";
import { faint } from "../palette.js";

const READOUTS = ["self", "neighbour", "vote"];
const LOSSES = [
  ["embedding", "Loss of the embedding functions"],
  ["degree", "Loss of the degree inference"],
  ["confidence", "Loss of the neighbour confidence"],
];

function line(key, name, slot) {
  const series = feed().series.get(key);
  if (!series) return [];
  return [{ type: "scatter", mode: "lines", name, slot, x: [...series.step], y: [...series.value] }];
}

/** Between the 10th and 90th percentile of the agents, with the mean as a line. */
function band(name, slot) {
  const low = feed().series.get(`${name}.loss.q10`);
  const high = feed().series.get(`${name}.loss.q90`);
  if (!low || !high) return line(`${name}.loss`, "mean", slot);
  const edge = { type: "scatter", mode: "lines", slot, line: { width: 0 }, hoverinfo: "skip" };
  return [
    { ...edge, name: "10 % of the agents", showlegend: false, x: [...low.step], y: [...low.value] },
    {
      ...edge,
      name: "10 to 90 % of the agents",
      x: [...high.step],
      y: [...high.value],
      fill: "tonexty",
      fillcolor: faint(`--series-${slot}`, 0.18),
    },
    ...line(`${name}.loss.q50`, "median", slot),
    ...line(`${name}.loss`, "mean", 8),
  ];
}

const FIGURES = [
  {
    title: "Validation accuracy of the readouts",
    unit: "share",
    traces: () => READOUTS.flatMap((name, at) => line(`${name}.val_accuracy`, name, at + 1)),
  },
  {
    title: "Training accuracy of the readouts",
    unit: "share",
    traces: () => READOUTS.flatMap((name, at) => line(`${name}.train_accuracy`, name, at + 1)),
  },
  ...LOSSES.map(([name, title], at) => ({ title, unit: "of agents", traces: () => band(name, at + 1) })),
  {
    title: "Entropy of attention",
    unit: "share of uniform",
    traces: () => line("attention.entropy", "entropy", 5),
  },
];

export function training() {
  const box = document.querySelector("[data-training]");
  const none = document.querySelector("[data-no-training]");
  const drawn = new Map();
  const show = () => {
    for (const figure of FIGURES) {
      const traces = figure.traces();
      if (drawn.has(figure.title)) {
        drawn.get(figure.title).update(traces);
      } else if (traces.length) {
        const element = document.createElement("figure");
        box.append(element);
        const layout = { xaxis: { title: "round" } };
        drawn.set(figure.title, chart(element, { ...figure, traces, layout }));
      }
    }
    none.hidden = drawn.size > 0;
  };
  feed().withSeries();
  feed().on("reset", show);
  feed().on("points", show);
  document.addEventListener("themechange", show); // bands carry a colour of their own
}
