// Who wins, by how much, and what each model takes for what.

import { chart } from "../charts.js";
import { html, svg } from "../make.js";
import { MARKS, SLOTS } from "../palette.js";
import { share } from "./cbramod-words.js";

const pick = (selector) => document.querySelector(selector);
const MEASURES = [
  ["auroc", "AUROC"],
  ["auc_pr", "AUC-PR"],
  ["kappa", "Kappa"],
  ["weighted_f1", "Weighted F1"],
];
const FOREST = { width: 192, height: 20, edge: 6 };

/** @param {any} overview */
export function verdict({ task, models, winner, classes }) {
  if (task !== "finetune" || models.length === 0) return;
  const first = models.find(({ key }) => key === winner);
  const banner = pick("[data-banner]");
  banner.classList.toggle("ours", winner === models[0].key);
  banner.classList.toggle("theirs", first !== undefined && winner !== models[0].key);
  banner.textContent = first ? told(first, models) : level(models);
  const measures = MEASURES.filter(([key]) => models.some((model) => model[key] !== null && model[key] !== undefined));
  const table = pick("[data-models]");
  table.tHead.rows[0].replaceChildren(
    html("th", { scope: "col" }, "Model"),
    html("th", { scope: "col", class: "num" }, "Balanced accuracy"),
    html("th", { scope: "col" }, "95 % interval"),
    ...measures.map(([, title]) => html("th", { scope: "col", class: "num" }, title)),
  );
  const ends = models.flatMap(({ low, high, balanced_accuracy: value }) => [low ?? value, high ?? value]);
  const range = [Math.min(1 / classes.length, ...ends), Math.max(...ends)];
  table.tBodies[0].replaceChildren(...models.map((model) => row(model, { winner, measures, range, chance: 1 / classes.length })));
  pick("[data-verdict]").hidden = false;
}

/** "Band power wins: .671 against .623 of CBraMod" */
function told(first, models) {
  const rival = first === models[0] ? best(models.slice(1)) : models[0];
  if (!rival) return `${first.title}: a balanced accuracy of ${share(first.balanced_accuracy)}.`;
  return `${first.title} wins: ${share(first.balanced_accuracy)} against ${share(rival.balanced_accuracy)} of ${rival.title}.`;
}

/** Where two are equal, there is no winner. */
function level(models) {
  const most = best(models).balanced_accuracy;
  const names = models.filter(({ balanced_accuracy: value }) => value === most).map(({ title }) => title);
  return `No winner: ${names.join(" and ")} are level at ${share(most)}.`;
}

const best = (models) =>
  models.reduce((most, one) => (most && most.balanced_accuracy >= one.balanced_accuracy ? most : one), undefined);

function row(model, { winner, measures, range, chance }) {
  const { title, low, high, balanced_accuracy: value } = model;
  const interval = low === null ? "–" : `${share(low)} to ${share(high)}`;
  return html(
    "tr",
    { class: model.key === winner && "chosen" },
    html("th", { scope: "row" }, title),
    html("td", { class: "num" }, share(value)),
    html("td", { class: "number" }, html("span", { class: "forest-cell" }, forest(model, range, chance), interval)),
    ...measures.map(([key]) => html("td", { class: "num" }, share(model[key]))),
  );
}

/** The interval as a line, the value as a dot, chance as a dotted line. */
function forest({ low, high, balanced_accuracy: value }, [from, to], chance) {
  const { width, height, edge } = FOREST;
  const x = (at) => (edge + ((at - from) / (to - from || 1)) * (width - 2 * edge)).toFixed(1);
  const drawn = svg("svg", { class: "forest", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  drawn.append(svg("line", { class: "chance", x1: x(chance), x2: x(chance), y1: 0, y2: height }));
  if (low !== null) drawn.append(svg("line", { x1: x(low), x2: x(high), y1: height / 2, y2: height / 2 }));
  if (value !== null) drawn.append(svg("circle", { cx: x(value), cy: height / 2, r: 4 }));
  return drawn;
}

/** @param {any} overview */
export function answers({ models, confusion, classes, subjects, folds }) {
  if (models.length === 0) return;
  pick("[data-answers]").hidden = false;
  const form = pick("[data-confusion-form]");
  form.elements.model.replaceChildren(...models.map(({ key, title }) => new Option(title, key)));
  const layout = {
    xaxis: { title: "answered", type: "category" },
    yaxis: { title: "label", type: "category", autorange: "reversed" },
  };
  const heat = (key) => {
    const table = confusion[key];
    const text = table.map((line) => line.map((count) => `${count} (${share(count / (line.reduce((sum, one) => sum + one, 0) || 1))})`));
    return [{ type: "heatmap", x: classes, y: classes, z: table, text, texttemplate: "%{text}", showscale: false, xgap: 2, ygap: 2 }];
  };
  const drawn = chart(pick("[data-confusion]"), { title: "What was taken for what", unit: "windows", traces: heat(models[0].key), layout });
  form.addEventListener("change", () => drawn.update(heat(form.elements.model.value)));
  form.addEventListener("submit", (event) => event.preventDefault());
  chart(pick("[data-subjects]"), {
    title: "Every unseen subject",
    unit: "balanced accuracy",
    traces: models.map(({ key, title }, at) => ({
      name: title,
      slot: (at % SLOTS) + 1,
      mode: "markers",
      x: subjects.map(({ subject }) => subject),
      y: subjects.map(({ values }) => values[key]),
      text: subjects.map(({ windows }) => `${windows} windows`),
      marker: { size: 8, opacity: 0.85, symbol: MARKS[at % MARKS.length] },
    })),
    layout: { xaxis: { type: "category" }, yaxis: { range: [-0.03, 1.03] } },
  });
  chart(pick("[data-folds]"), {
    title: "Folds, paired",
    unit: "balanced accuracy",
    traces: folds.map(({ fold, values }) => ({
      name: `fold ${fold}`,
      mode: "lines+markers",
      x: models.map(({ title }) => title),
      y: models.map(({ key }) => values[key]),
    })),
    layout: { xaxis: { type: "category" } },
    note: "A line joins what the models reach on the same subjects.",
  });
}
