// How weights and activations are spread, as real numbers and as int8, layer by layer.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { short } from "../scale.js";
import { known } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);
const HUNDREDTH = 0.0001; // least share that two decimals of a percent can tell

/** @param {any} overview */
export function spread({ distributions: all }) {
  const select = pick("#spread");
  select.replaceChildren(...all.map((one, at) => html("option", { value: at }, title(one))));
  pick("[data-spreads]").tBodies[0].replaceChildren(...all.map(line));
  const drawn = chart(pick("[data-spread]"), { title: "Spread of the values", unit: "values, log scale", traces: traces(all[0]), layout: layout(all[0]) });
  select.addEventListener("change", () => {
    const one = all[Number(select.value)];
    drawn.update(traces(one), layout(one));
    drawn.say(`${title(one)}: ${told(one)} saturated.`);
  });
}

const title = ({ name, of }) => `${name}, ${of}`;

/** The share at an end of int8; raw logits have no such end. */
function told({ saturated }) {
  if (!known(saturated)) return "–";
  if (saturated > 0 && saturated < HUNDREDTH) return "< 0.01 %";
  return `${(100 * saturated).toFixed(2)} %`;
}

const line = (one) =>
  html(
    "tr",
    {},
    html("th", { scope: "row" }, one.name),
    html("td", {}, one.of),
    html("td", { class: "num" }, short(one.low)),
    html("td", { class: "num" }, short(one.high)),
    html("td", { class: "num" }, told(one)),
  );

function traces(one) {
  const width = (one.high - one.low) / one.float.length;
  const x = one.float.map((_, at) => one.low + (at + 0.5) * width);
  return [
    { name: "float", slot: 1, mode: "lines", line: { shape: "hvh" }, x, y: one.float.map(some) },
    { name: "int8", slot: 5, mode: "lines", line: { shape: "hvh" }, x, y: one.int8.map(some) },
  ];
}

/** A logarithm knows no zero: an empty bin is a hole in the line. */
const some = (count) => (count === 0 ? null : count);

const layout = ({ of }) => ({ xaxis: { title: of === "weights" ? "weight" : "activation" }, yaxis: { type: "log" } });
