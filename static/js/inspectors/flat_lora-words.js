// Numbers of Flat-LoRA in words, and choices between its variants.

import { html } from "../make.js";
import { short } from "../scale.js";
import { share } from "./say.js";

export const known = (value) => value !== null && value !== undefined;

export const count = (value) => (known(value) ? value.toLocaleString("en") : "–");

export const signed = (value) => (value > 0 ? `+${short(value)}` : short(value));

/** JSON has no infinity: a number that overflowed comes as null. */
export const finite = (value) => (known(value) ? short(value) : "not finite");

export const withError = (value, error) => (known(value) ? `${short(value)} ± ${finite(error)}` : finite(value));

/** What a task is judged by, of what it has: key, title, words. */
export const MEASURES = [
  { key: "accuracy", title: "Accuracy", told: share },
  { key: "mcc", title: "MCC", told: (value) => share(value).replace("-", "−").replace("−0.", "−.") },
  { key: "f1", title: "F1", told: share },
  { key: "test_loss", title: "Loss, nat", told: (value) => value.toPrecision(4) },
  { key: "perplexity", title: "Perplexity", told: short },
];

export const measured = (rows) => MEASURES.filter(({ key }) => rows.some((row) => known(row[key])));

export const cell = (...told) => html("td", { class: "num" }, ...told);

export const headed = (table, ...titles) =>
  table.tHead.rows[0].replaceChildren(...titles.map((title, at) => html("th", { scope: "col", class: at > 0 && "num" }, title)));

/**
 * Fills a choice with variants.
 * @param {HTMLSelectElement} select
 * @param {{name: string, title: string}[]} variants
 * @param {number} [chosen] the place of the one to begin with
 */
export function offer(select, variants, chosen = 0) {
  select.replaceChildren(...variants.map(({ name, title }) => html("option", { value: name }, title)));
  select.selectedIndex = Math.min(chosen, variants.length - 1);
}

/** A figure at the end of a box of charts. */
export function added(box) {
  const element = document.createElement("figure");
  box.append(element);
  return element;
}
