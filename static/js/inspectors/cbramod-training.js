// Live curves of both tasks: masked error with its reference lines, fine-tuning fold by fold.

import { chart } from "../charts.js";
import { ENDED, feed, freshPage } from "../jobs/feed.js";
import { insist } from "../live.js";
import { about, given } from "./files.js";

const ERROR = "(100 µV)²";
const LINES = [
  ["line.zero", "guessing nothing"],
  ["line.channel_mean", "the channels' mean"],
  ["line.gaussian", "a Gaussian"],
];
const FOLD = /^fold\.(.+)\.(pretrain|pretrained|scratch)\.([a-z_]+)$/;

let lines = about.lines; // of the summary, where the series have none

/** The series of a metric: the task's own, and those of each fold, named after them. */
function curves(metric, stages) {
  const found = [];
  for (const [key, { step, value }] of feed().series) {
    const [, fold, stage, last] = FOLD.exec(key) ?? [null, "", "pretrain", key];
    if (last !== metric || !stages.includes(stage)) continue;
    const name = [fold && `fold ${fold}`, stage === "scratch" && "from scratch"].filter(Boolean).join(", ");
    // Folds follow each other: each is drawn from its own first step on.
    found.push({ name: name || "network", mode: "lines", x: step.map((one) => one - step[0]), y: [...value], fold, stage });
  }
  return found
    .sort((a, b) => a.fold.localeCompare(b.fold, undefined, { numeric: true }) || a.stage.localeCompare(b.stage))
    .map(({ fold, stage, ...trace }) => trace);
}

/** What guesses cost that need no network. */
function references(traces) {
  if (traces.length === 0) return [];
  const last = Math.max(...traces.map(({ x }) => x.at(-1)));
  return LINES.flatMap(([key, name]) => {
    const value = feed().series.get(key)?.value.at(-1) ?? lines[key];
    if (value === undefined) return [];
    return [{ name, mode: "lines", slot: 8, x: [0, last], y: [value, value], line: { dash: DASH[key], width: 1 } }];
  });
}

const DASH = { "line.zero": "solid", "line.channel_mean": "dash", "line.gaussian": "dot" };

const FIGURES = [
  {
    title: "Masked error on validation",
    unit: ERROR,
    traces: () => {
      const own = curves("masked_mse", ["pretrain"]);
      return [...own, ...references(own)];
    },
  },
  { title: "Masked error of a batch", unit: ERROR, traces: () => curves("loss", ["pretrain"]) },
  { title: "Balanced accuracy on validation", unit: "share", traces: () => curves("val_balanced_accuracy", ["pretrained", "scratch"]) },
  { title: "R² on validation", traces: () => curves("val_r2", ["pretrained", "scratch"]) },
  { title: "Loss of fine-tuning", unit: about.loss, traces: () => curves("loss", ["pretrained", "scratch"]) },
  { title: "Step size of pre-training", traces: () => curves("lr", ["pretrain"]) },
  { title: "Gradient norm before clipping", traces: () => curves("gradient_norm", ["pretrain"]) },
];

export function training() {
  const box = document.querySelector("[data-training]");
  const none = document.querySelector("[data-no-training]");
  const drawn = new Map();
  const layout = { xaxis: { title: "step" } };

  function show() {
    for (const figure of FIGURES) {
      const traces = figure.traces();
      if (drawn.has(figure)) {
        drawn.get(figure).update(traces);
      } else if (traces.length) {
        const element = document.createElement("figure");
        const after = FIGURES.slice(0, FIGURES.indexOf(figure)).filter((one) => drawn.has(one)).length;
        box.insertBefore(element, box.children[after] ?? null);
        drawn.set(figure, chart(element, { ...figure, traces, layout }));
      }
    }
    none.hidden = drawn.size > 0;
  }

  feed().withSeries();
  feed().on("reset", show);
  feed().on("points", show);
  feed().on("page", (page) => {
    lines = given(page).lines;
    show();
  });
  feed().on("state", async (state) => {
    if (!ENDED.has(state)) return;
    lines = given(await insist(freshPage)).lines;
    show();
  });
}
