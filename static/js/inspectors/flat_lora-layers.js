// Layer by layer: the noise that was drawn beside what the law expects, and what training added.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { offer } from "./flat_lora-words.js";

const MOST_TICKS = 16;
const ADDED = "ΔW = s(BA − B₀A₀) is what training added; B₀ is 0 but for PiSSA and LoRA-GA. Of DoRA, which scales the rows too, it is the merged weight minus W: of full rank, of which the r largest values are drawn.";
const pick = (selector) => document.querySelector(selector);

/** @param {any} found */
export function layers({ overview, variants }) {
  const adapted = variants.filter(({ flatness }) => flatness.budget.length);
  pick("[data-no-layers]").hidden = adapted.length > 0;
  pick("[data-layers]").hidden = adapted.length === 0;
  if (adapted.length === 0) return;
  const sigma = overview.sigmas.at(-1);
  const names = adapted[0].flatness.budget.map(({ name }) => name);
  const places = names.map((_, at) => at + 1);
  const form = pick("[data-layers-form]");
  offer(form.elements.variant, adapted);
  form.elements.layer.replaceChildren(...names.map((name, at) => html("option", { value: at }, `${at + 1}: ${name}`)));

  /** Numbers of all layers: their names are too long for the axis, and stand in hints and table. */
  const along = (traces) => traces.map((trace) => ({ mode: "lines+markers", x: places, text: names, hovertemplate: "%{text}: %{y:.4g}<extra>%{fullData.name}</extra>", ...trace }));
  const table = (traces) => () => ({ columns: ["layer", ...traces.map(({ name }) => name)], rows: names.map((name, at) => [name, ...traces.map(({ y }) => y[at])]) });
  const layout = (title, more) => ({ xaxis: { title: "layer" }, yaxis: { title, ...more } });
  const made = (place, { traces, ...shown }) => chart(pick(place), { ...shown, traces: along(traces), table: table(traces) });

  made("[data-relative]", {
    title: "What training added: ‖ΔW‖ over ‖W‖",
    note: ADDED,
    traces: adapted.map(({ title, slot, flatness }) => ({ name: title, slot, y: flatness.spectra.map(({ relative }) => relative) })),
    layout: layout("", { rangemode: "tozero" }),
  });

  const drawn = {};

  /** Draws at first, and what is chosen anew later. */
  function put(name, shown) {
    if (drawn[name]) {
      drawn[name].update(shown.traces, shown.layout);
      if (shown.table) drawn[name].rows = shown.table;
      drawn[name].say(shown.note ?? "");
    } else {
      drawn[name] = chart(pick(`[data-${name}]`), shown);
    }
  }

  function ofVariant({ title, slot, flatness: { budget } }) {
    const noise = [
      { name: "drawn", slot, y: budget.map((one) => one.noise) },
      { name: "expected, σ‖W′‖", slot: 8, y: budget.map((one) => one.expected), line: { dash: "dot" } },
    ];
    put("noise", { title: `‖ε‖ under σ = ${sigma}`, traces: along(noise), table: table(noise), layout: layout("", { rangemode: "tozero" }), note: `${title}: noise of one draw beside what the law expects.` });
    const inflation = [
      { name: "measured", slot, y: budget.map((one) => one.inflation) },
      { name: "1 + σ²", slot: 8, mode: "lines", y: budget.map(() => 1 + sigma ** 2), line: { dash: "dot" } },
    ];
    put("inflation", { title: "Inflation of the outputs", traces: along(inflation), table: table(inflation), layout: layout(""), note: `${title}: mean square of the outputs with noise over that without. The law says 1 + σ² for independent inputs of one variance about zero; those of a network are not.` });
  }

  function ofLayer({ title, slot, flatness: { budget } }, at) {
    const { name, counts, edges } = budget[at];
    put("rows-histogram", {
      title: "Row lengths ‖W′ᵢ‖",
      unit: "rows",
      traces: [{ type: "bar", name: title, slot, x: counts.map((_, bin) => (edges[bin] + edges[bin + 1]) / 2), y: counts, width: edges[1] - edges[0] }],
      layout: { bargap: 0, xaxis: { title: "length of a row of the merged weight" } },
      note: `${title}, ${name}`,
    });
    const ranks = Math.max(...adapted.map((variant) => variant.flatness.spectra[at].values.length));
    put("spectrum", {
      title: "Singular values of ΔW",
      traces: adapted.map((variant) => {
        const values = variant.flatness.spectra[at].values;
        return { name: variant.title, slot: variant.slot, mode: "lines+markers", x: values.map((_, rank) => rank + 1), y: values };
      }),
      layout: { xaxis: { title: "rank", dtick: Math.ceil(ranks / MOST_TICKS) }, yaxis: { type: "log", dtick: 1 } },
      note: `${name}. ${ADDED}`,
    });
  }

  function show() {
    const variant = adapted.find(({ name }) => name === form.elements.variant.value);
    ofVariant(variant);
    ofLayer(variant, Number(form.elements.layer.value));
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
