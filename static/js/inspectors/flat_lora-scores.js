// What each variant is worth on test rows, and whether its exports are what it is.

import { html } from "../make.js";
import { short } from "../scale.js";
import { figures } from "./figures.js";
import { cell, count, headed, known, measured } from "./flat_lora-words.js";

const pick = (selector) => document.querySelector(selector);
const FORMS = ["adapter", "merged"];

/** @param {any} found */
export function scores({ overview, variants }) {
  head(overview, variants);
  const measures = measured(variants.map((variant) => variant.scores));
  const table = pick("[data-scores]");
  headed(table, "Variant", ...measures.map(({ key, title }) => (key === "f1" ? f1(overview.classes) : title)), "Trained", "Training, s", "Adapter, Δ logit", "Merged, Δ logit");
  table.tBodies[0].replaceChildren(
    ...variants.map((variant) =>
      html(
        "tr",
        {},
        html("th", { scope: "row" }, variant.title),
        ...measures.map(({ key, told }) => cell(known(variant.scores[key]) ? told(variant.scores[key]) : "–")),
        cell(count(variant.trained)),
        cell(short(variant.train_seconds)),
        ...FORMS.map((form) => cell(short(variant.export[form]))),
      ),
    ),
  );
}

/** Of two classes the second is the one that is looked for. */
const f1 = (classes) => (classes.length === 2 ? `F1 of ${classes[1]}` : "F1, macro");

function head({ rows, rho, overhead }, variants) {
  const trips = variants.flatMap(({ export: made }) => FORMS.map((form) => made[form])).filter(known);
  figures(pick("[data-figures]"), [
    ["Rows", count(rows.test), `of test; ${count(rows.train)} train, ${count(rows.dev)} validate`],
    ...(variants.some(({ flat }) => flat) ? [["Noise ρ", short(rho), "of a row's length, at the end of training"]] : []),
    ["Overhead", known(overhead) ? `${overhead.toFixed(2)} ×` : "–", known(overhead) ? "a step with its noise over the same step without" : "Flat-LoRA is not among the variants"],
    ["Round trip", trips.length ? short(Math.max(...trips)) : "–", trips.length ? "largest difference of a logit once an export is read back" : "no variant was exported"],
  ]);
}
