// What each variant costs: the time of a step, the memory of its training, what it trains.

import { chart } from "../charts.js";
import { feed } from "../jobs/feed.js";
import { short } from "../scale.js";
import { count, known } from "./flat_lora-words.js";

const pick = (selector) => document.querySelector(selector);
const MIB = 2 ** 20; // bytes
const CATEGORIES = { type: "category" };
const ALL_ELSE = "optimiser, rest"; // as a step counts it
// Of the palette's end: its beginning stands for the variants themselves.
const PARTS = [
  { key: "seconds.noise", name: "noise", slot: 6 },
  { key: "seconds.forward", name: "forward", slot: 7 },
  { key: "seconds.backward", name: "backward", slot: 8 },
  { key: "seconds.optimizer", name: ALL_ELSE, slot: 5 },
];
const REST = { marker: { color: "--muted" } };

/** @param {any} found */
export function cost({ variants }) {
  const names = variants.map(({ title }) => title);
  steps(variants, names);
  const peaks = variants.map(({ peak_bytes: peak }) => (known(peak) ? peak / MIB : null));
  if (peaks.some(known)) {
    pick("[data-memory]").hidden = false;
    chart(pick("[data-memory]"), {
      title: "Most memory while training",
      unit: "MiB",
      traces: [labelled(names, peaks, short)],
      layout: { xaxis: CATEGORIES, yaxis: { rangemode: "tozero" } },
      note: "On a GPU of its tensors; on a CPU of the whole process, with what variants before it left there.",
    });
  }
  chart(pick("[data-trained]"), {
    title: "Parameters that train",
    traces: [labelled(names, variants.map(({ trained }) => trained), count)],
    layout: { xaxis: CATEGORIES, yaxis: { rangemode: "tozero" } },
  });
}

/** Bars with their numbers: beside all weights of a network an adapter's are hardly a line. */
const labelled = (x, y, told) => ({ type: "bar", x, y, text: y.map((value) => (known(value) ? told(value) : "")), textposition: "outside", cliponaxis: false });

/** From the job's series, which come on their own; older jobs tell no parts but noise. */
function steps(variants, names) {
  const place = pick("[data-step-time]");
  let drawn = null;

  function show() {
    const traces = stacked(variants, names);
    place.hidden = traces.length === 0;
    if (place.hidden) return;
    if (drawn) {
      drawn.update(traces);
    } else {
      drawn = chart(place, {
        title: "A step",
        unit: "s",
        traces,
        layout: { barmode: "stack", xaxis: CATEGORIES, yaxis: { rangemode: "tozero" }, legend: { traceorder: "normal" } },
        note: "Medians over the steps.",
      });
    }
  }

  feed().on("reset", show);
  feed().on("points", show);
  show();
}

function stacked(variants, names) {
  const of = (key) => variants.map(({ name }) => median(name, key));
  const whole = of("seconds");
  const parts = PARTS.map(({ key, ...look }) => ({ ...look, y: of(key) })).filter(({ y }) => y.some(known));
  if (!parts.some(({ name }) => name === ALL_ELSE) && whole.some(known)) {
    const noise = parts[0]?.y ?? [];
    const y = whole.map((seconds, at) => (known(seconds) ? seconds - (noise[at] ?? 0) : null));
    parts.push({ ...REST, name: parts.length ? "all but noise" : "a step", y });
  }
  return parts.map((trace) => ({ type: "bar", x: names, ...trace }));
}

/** Of a long series the page has the extremes of its buckets: their mean would tell of them. */
function median(variant, key) {
  const values = feed().series.get(`${variant}.${key}`)?.value.filter(known).sort((a, b) => a - b) ?? [];
  return values.length ? values[Math.floor(values.length / 2)] : null;
}
