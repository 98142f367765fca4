// How right each form of the network is, beside the forest; which classes; how much is leakage.

import { chart } from "../charts.js";
import { forest } from "../forest.js";
import { html } from "../make.js";
import { known, measureOf } from "./kaleidoscope-words.js";
import { counted, share } from "./say.js";

const pick = (selector) => document.querySelector(selector);
const COLUMNS = [
  ["accuracy", "Accuracy"],
  ["macro_f1", "Macro F1"],
  ["auroc", "AUROC"],
];

/** @param {any} overview */
export function accuracy({ accuracy: { unit, folds, models, per_class: classes, confusion }, classes: names, leakage }) {
  table({ models, unit, folds });
  perClass(classes);
  matrix(confusion, names, models);
  leaks(leakage);
}

function table({ models, unit, folds }) {
  const place = pick("[data-models]");
  const columns = COLUMNS.filter(([key]) => models.some((model) => known(model[key])));
  const measure = measureOf(models);
  const ends = models.flatMap(({ low, high, [measure.key]: value }) => [low, high, value]).filter(known);
  const range = [Math.min(...ends), Math.max(...ends)];
  pick("[data-models-caption]").textContent = `Folds by ${unit}, mean of ${folds}, with the lowest and the highest fold by ${measure.title}`;
  place.tHead.rows[0].replaceChildren(
    html("th", { scope: "col" }, "Model"),
    ...columns.map(([, title]) => html("th", { scope: "col", class: "num" }, title)),
    html("th", { scope: "col" }, "Lowest to highest fold"),
  );
  // That of the hardware is of fewer flows, so it is not in the contest.
  const most = Math.max(...models.filter(({ key }) => key !== "rtl").map((model) => model[measure.key]).filter(known));
  place.tBodies[0].replaceChildren(
    ...models.map((model) => {
      const { title, low, high, [measure.key]: value } = model;
      const reach = known(low) ? `${share(low)} to ${share(high)}` : "–";
      return html(
        "tr",
        { class: model.key !== "rtl" && value === most && "chosen" },
        html("th", { scope: "row" }, title),
        ...columns.map(([key]) => html("td", { class: "num" }, share(model[key]))),
        html("td", { class: "number" }, html("span", { class: "forest-cell" }, forest({ low: low ?? null, high, value: value ?? null }, range, most), reach)),
      );
    }),
  );
}

function perClass(rows) {
  if (!rows?.length) return;
  const forms = [["float", "float"], ["int8", "int8"], ["random_forest", "random forest"]];
  chart(pick("[data-per-class]"), {
    title: "F1 of each class",
    unit: "share",
    traces: forms
      .filter(([key]) => rows.some((row) => known(row[key])))
      .map(([key, name]) => ({ type: "bar", name, x: rows.map((row) => row.class), y: rows.map((row) => row[key]), text: rows.map((row) => counted(row.count, "flow")), textposition: "none" })),
    layout: { xaxis: { type: "category" }, yaxis: { range: [0, 1] }, barmode: "group" },
  });
}

function matrix(confusion, names, models) {
  if (!confusion?.table?.length) return;
  const title = models.find(({ key }) => key === confusion.model)?.title ?? confusion.model;
  chart(pick("[data-confusion]"), {
    title: `What ${title} takes for what`,
    unit: "flows",
    traces: [{ type: "heatmap", x: names, y: names, z: confusion.table, texttemplate: "%{z}", showscale: false, xgap: 1, ygap: 1 }],
    layout: { xaxis: { title: "answered", type: "category" }, yaxis: { title: "label", type: "category", autorange: "reversed" } },
  });
}

const SPLITS = { capture: "by capture, as judged here", flow: "by flow, leaky" };

function leaks(leakage) {
  const words = pick("[data-leakage]");
  if (!leakage) {
    words.textContent = "Leakage was not measured in this job.";
    return;
  }
  const { rows, fields } = leakage;
  const [judged, leaky] = ["capture", "flow"].map((one) => rows.find(({ split }) => split === one));
  if (judged && leaky) {
    const gain = (key) => share(leaky[key] - judged[key]).replace("-", "−");
    words.textContent = `Leakage: a split by flow would claim ${gain("accuracy")} more accuracy and ${gain("macro_f1")} more macro F1 than the split by capture, for having seen the same captures.`;
  }
  chart(pick("[data-splits]"), {
    title: "Leakage of the split",
    unit: "share",
    traces: [["accuracy", "accuracy"], ["macro_f1", "macro F1"]].map(([key, name]) => ({ type: "bar", name, x: rows.map(({ split }) => SPLITS[split] ?? split), y: rows.map((row) => row[key]) })),
    layout: { xaxis: { type: "category" }, yaxis: { range: [0, 1] }, barmode: "group" },
  });
  if (fields?.length) {
    chart(pick("[data-fields]"), {
      title: "Accuracy once a header field is shown",
      unit: "share",
      traces: [{ type: "bar", name: "unmasked", slot: 6, x: fields.map(({ field }) => field), y: fields.map((row) => row.accuracy) }],
      layout: { xaxis: { type: "category" }, yaxis: { range: [0, 1] } },
      note: "The job's own networks see no header: what a field adds is what it gives away of the capture.",
    });
  }
}
