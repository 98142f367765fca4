// Live curves, one line a variant: they take the same batches, each counts its own steps.

import { chart } from "../charts.js";
import { feed } from "../jobs/feed.js";
import { about } from "./files.js";
import { added } from "./flat_lora-words.js";
import { short } from "../scale.js";

/** @param {string} key of a series, behind the variant's name */
function lines(key, { suffix = "", ...look } = {}) {
  return about.variants.flatMap(({ name, title }, at) => {
    const series = feed().series.get(`${name}.${key}`);
    if (!series) return [];
    return [{ name: title + suffix, slot: at + 1, mode: "lines", x: [...series.step], y: [...series.value], ...look }];
  });
}

/** E-sharpness at each σ, the larger the more solid. */
function sharpness() {
  const ends = [...feed().series.keys()].map((key) => key.match(/\.(sharpness\.at(.+))$/)).filter(Boolean);
  const sigmas = new Map(ends.map(([, key, percent]) => [key, Number(percent.replace("_", ".")) / 100]));
  const rising = [...sigmas].sort(([, a], [, b]) => a - b);
  return rising.flatMap(([key, sigma], at) => lines(key, { ...LOOKS, suffix: `, σ = ${short(sigma)}`, line: { dash: DASHES[Math.max(0, DASHES.length - rising.length + at)] } }));
}

const DASHES = ["dot", "dash", "solid"];
const LOOKS = { mode: "lines+markers" }; // now and then, not in every step
const DOTTED = { line: { dash: "dot" } };
const ZERO = { rangemode: "tozero" };
const FIGURES = [
  { title: "Loss of the batches", unit: "nat", traces: () => lines("loss") },
  { title: "Loss of the probe, without noise", unit: "nat", traces: () => lines("clean_loss", LOOKS) },
  { title: "E-sharpness while training", unit: "nat", note: about.looked, traces: sharpness },
  { title: "Noise σ", unit: "of a row's length", yaxis: ZERO, traces: () => lines("sigma") },
  { title: "Accuracy on validation", unit: "share", traces: () => lines("dev_accuracy", LOOKS) },
  { title: "Loss on validation", unit: "nat", traces: () => lines("dev_test_loss", LOOKS) },
  {
    title: "A step and its noise",
    unit: "s",
    yaxis: ZERO,
    traces: () => [...lines("seconds"), ...lines("seconds.noise", { suffix: ", noise", ...DOTTED })],
  },
  { title: "Drift of the frozen weights", unit: "of a row's length", yaxis: ZERO, traces: () => lines("drift", LOOKS) },
  {
    title: "Gradient norm",
    traces: () => [
      ...lines("gradient_norm.a", { suffix: ", A" }),
      ...lines("gradient_norm.b", { suffix: ", B", ...DOTTED }),
      ...lines("gradient_norm"),
    ],
  },
  { title: "Step size", yaxis: ZERO, traces: () => lines("lr") },
];

export function training() {
  const box = document.querySelector("[data-training]");
  const none = document.querySelector("[data-no-training]");
  const drawn = new Map();

  function show() {
    for (const figure of FIGURES) {
      const { title, unit, note, yaxis = {} } = figure;
      const traces = figure.traces();
      if (drawn.has(figure)) {
        drawn.get(figure).update(traces);
      } else if (traces.length) {
        const layout = { xaxis: { title: "step of the variant" }, yaxis };
        const element = added(box);
        drawn.set(figure, chart(element, { title, unit, traces, layout, note }));
        // Validation comes after the first step: a figure takes its place among those that are there.
        for (const later of FIGURES) if (drawn.has(later)) box.append(drawn.get(later).element);
      }
    }
    none.hidden = drawn.size > 0;
  }

  feed().withSeries();
  feed().on("reset", show);
  feed().on("points", show);
}
