// How much the loss rises when the merged weights are shaken, and how the loss bends.

import { chart } from "../charts.js";
import { forest } from "../forest.js";
import { html } from "../make.js";
import { short } from "../scale.js";
import { added, cell, finite, known, signed, withError } from "./flat_lora-words.js";

const pick = (selector) => document.querySelector(selector);
const PARTS = { test: "test rows", train: "training rows" };

/** @param {any} found */
export function sharpness({ overview, variants }) {
  const { sigmas, draws, probe, rows } = overview;
  /** The fixed rows of a part, which may have fewer than were asked for. */
  const of = (part) => `${Math.min(probe, rows[part])} ${PARTS[part]}`;
  pick("[data-flatness-told]").textContent = `E-sharpness is the rise of the loss when each row of a merged weight is moved by noise of σ of its length: the mean of ${draws} draws, on ${of("test")} and ${of("train")} that are fixed.`;
  table(variants, of);
  for (const part of Object.keys(PARTS)) curve(part, variants, sigmas, `${of(part)}, ${draws} draws`);
  curvature(variants);
}

/** The groups of the table: part and σ, test first. */
function groups(variants) {
  const keys = Object.entries(variants[0].flatness.sharpness);
  return Object.keys(PARTS).flatMap((part) => keys.filter(([key]) => key.startsWith(`${part}.`)).map(([key, { sigma }]) => ({ part, key, sigma })));
}

function table(variants, of) {
  const body = pick("[data-sharpness]").tBodies[0];
  body.replaceChildren(
    ...groups(variants).flatMap(({ part, key, sigma }) => {
      const rows = variants.map((variant) => ({ ...variant, ...variant.flatness.sharpness[key] }));
      const reach = rows.map(({ mean, error }) => (known(mean) && known(error) ? { low: mean - error, high: mean + error, value: mean } : { low: null, high: null, value: null }));
      const ends = reach.flatMap(({ low, high }) => [low ?? 0, high ?? 0]);
      const range = [Math.min(0, ...ends), Math.max(0, ...ends)];
      return [
        html("tr", {}, html("th", { scope: "rowgroup", colspan: 4 }, `E-sharpness at σ = ${sigma}, ${of(part)}`)),
        ...rows.map((row, at) =>
          html(
            "tr",
            { "data-sharpness-of": `${key} ${row.name}` },
            html("th", { scope: "row" }, row.title),
            cell(finite(row.clean)),
            html("td", { class: "number" }, html("span", { class: "forest-cell" }, forest(reach[at], range, 0), html("span", { class: "nowrap" }, risen(row)))),
            html("td", { class: "number nowrap" }, at === 0 ? "" : toFirst(rows[0].values, row.values)),
          ),
        ),
      ];
    }),
  );
}

/** The mean with its error; how many draws are to blame where there is none. */
function risen({ mean, error, values }) {
  const over = values.filter((value) => !known(value)).length;
  return over ? `${finite(null)} in ${over} of ${values.length} draws` : withError(mean, error);
}

/** This variant minus the first, draw by draw, with the standard error of that mean. */
function toFirst(first, own) {
  if (![...first, ...own].every(known)) return finite(null);
  const differences = own.map((value, at) => value - first[at]);
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  const square = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return `${signed(mean)} ± ${short(Math.sqrt(square / (differences.length - 1) / differences.length))}`;
}

function curve(part, variants, sigmas, of) {
  const points = (variant) => groups(variants).filter((group) => group.part === part).map(({ key }) => variant.flatness.sharpness[key]);
  const over = variants.flatMap((variant) => points(variant).filter(({ mean }) => !known(mean)).map(({ sigma }) => `${variant.title} at σ = ${sigma}`));
  chart(added(pick("[data-sharpness-curves]")), {
    title: `E-sharpness of ${of}`,
    unit: "nat",
    traces: variants.map((variant) => ({
      name: variant.title,
      slot: variant.slot,
      mode: "lines+markers",
      x: points(variant).map(({ sigma }) => sigma),
      y: points(variant).map(({ mean }) => mean),
      error_y: { type: "data", array: points(variant).map(({ error }) => error), thickness: 1, width: 4 },
    })),
    layout: { xaxis: { title: "σ", range: [0, 1.1 * sigmas.at(-1)] } },
    note: over.length ? `Not finite: ${over.join(", ")}.` : "",
  });
}

function curvature(variants) {
  const bent = variants.filter(({ flatness }) => flatness.hessian);
  pick("[data-no-curvature]").hidden = bent.length > 0;
  pick("[data-curvature]").hidden = bent.length === 0;
  if (bent.length === 0) return;
  pick("[data-curvature-caption]").textContent = `The Hessian over the merged weights, on ${bent[0].flatness.hessian.rows} training rows`;
  pick("[data-curvature] tbody").replaceChildren(
    ...bent.map(({ title, flatness: { hessian } }) =>
      html("tr", {}, html("th", { scope: "row" }, title), cell(finite(hessian.top)), cell(finite(hessian.residual)), html("td", { class: "number nowrap" }, withError(hessian.trace, hessian.trace_error))),
    ),
  );
  chart(pick("[data-approach]"), {
    title: "Approach of the eigenvalue of largest size",
    traces: bent.map(({ title, slot, flatness: { hessian } }) => ({ name: title, slot, mode: "lines+markers", x: hessian.history.map((_, at) => at + 1), y: hessian.history })),
    layout: { xaxis: { title: "Lanczos iteration" } },
    note: "Some eigenvalue lies within the residual of λ: it is met where that is small beside λ.",
  });
}
