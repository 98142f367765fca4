// Who wins, by how much, and what each model takes for what.

import { chart } from "../charts.js";
import { forest } from "../forest.js";
import { html } from "../make.js";
import { MARKS, SLOTS } from "../palette.js";
import { counted } from "./say.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} found */
export function verdict({ overview: { task, models, winner, rival, lead }, goal }) {
  if (task !== "finetune" || models.length === 0) return;
  const first = models.find(({ key }) => key === winner);
  const banner = pick("[data-banner]");
  banner.classList.toggle("ours", winner === models[0].key);
  banner.classList.toggle("theirs", first !== undefined && winner !== models[0].key);
  banner.textContent = first ? told(first, models, goal.measure) : level(models, goal.measure);
  const fair = pick("[data-lead]");
  fair.textContent = ahead(models[0], models.find((model) => model.key === rival), lead, goal.measure);
  fair.hidden = fair.textContent === "";
  const { key, title, nothing, least } = goal.measure;
  const others = goal.others.filter((one) => models.some((model) => model[one.key] !== null && model[one.key] !== undefined));
  const table = pick("[data-models]");
  table.tHead.rows[0].replaceChildren(
    html("th", { scope: "col" }, "Model"),
    html("th", { scope: "col", class: "num" }, title),
    html("th", { scope: "col" }, "95 % interval"),
    ...others.map((one) => html("th", { scope: "col", class: "num" }, one.title)),
  );
  const ends = models.flatMap((model) => [model.low ?? model[key], model.high ?? model[key]]).filter((end) => end !== null);
  const range = [Math.max(least, Math.min(nothing, ...ends)), Math.max(nothing, ...ends)];
  table.tBodies[0].replaceChildren(...models.map((model) => row(model, { winner, measure: goal.measure, others, range })));
  pick("[data-measure-note]").textContent = goal.note;
  pick("[data-verdict]").hidden = false;
}

/** "Band power wins: .671 against .623 of CBraMod" */
function told(first, models, { key, one, told: number }) {
  const rival = first === models[0] ? best(models.slice(1), key) : models[0];
  if (!rival) return `${first.title}: ${one} of ${number(first[key])}.`;
  return `${first.title} wins: ${number(first[key])} against ${number(rival[key])} of ${rival.title}.`;
}

/** "Over 4 folds CBraMod is behind Band power by .029 ± .057 (95 %): zero is not ruled out." */
function ahead(own, rival, lead, { told: number }) {
  if (!rival || lead.mean === null) return "";
  const { n, mean, ci95: half } = lead;
  const where = `Over ${counted(n, "fold")} ${own.title} is ${mean < 0 ? "behind" : "ahead of"} ${rival.title} by ${number(Math.abs(mean))}`;
  if (half === null) return `${where}; two folds or more would give it an interval.`;
  return `${where} ± ${number(half)} (95 %)${Math.abs(mean) <= half ? ": zero is not ruled out" : ""}.`;
}

/** Where two are equal, or none has a value, there is no winner. */
function level(models, { key, one, told: number }) {
  const most = best(models, key);
  if (!most) return `No winner: no model has ${one}.`;
  const names = models.filter((model) => model[key] === most[key]).map(({ title }) => title);
  return `No winner: ${names.join(" and ")} are level at ${number(most[key])}.`;
}

const best = (models, key) =>
  models.filter((model) => model[key] !== null).reduce((most, one) => (most && most[key] >= one[key] ? most : one), undefined);

function row(model, { winner, measure, others, range }) {
  const { title, low, high, [measure.key]: value } = model;
  const interval = low === null ? "–" : `${measure.told(low)} to ${measure.told(high)}`;
  return html(
    "tr",
    { class: model.key === winner && "chosen" },
    html("th", { scope: "row" }, title),
    html("td", { class: "num" }, measure.told(value)),
    html("td", { class: "number" }, html("span", { class: "forest-cell" }, forest({ low, high, value }, range, measure.nothing), interval)),
    ...others.map((one) => html("td", { class: "num" }, one.told(model[one.key]))),
  );
}

/** @param {any} found */
export function answers(found) {
  const { overview: { models, subjects, folds }, goal } = found;
  if (models.length === 0) return;
  pick("[data-answers]").hidden = false;
  goal.answers(pick("[data-confusion]"), pick("[data-confusion-form]"), found);
  chart(pick("[data-subjects]"), {
    title: "Every unseen subject",
    unit: goal.of.subject.unit,
    traces: models.map(({ key, title }, at) => ({
      name: title,
      slot: (at % SLOTS) + 1,
      mode: "markers",
      x: subjects.map(({ subject }) => subject),
      y: subjects.map(({ values }) => values[key]),
      text: subjects.map(({ windows }) => `${windows} windows`),
      marker: { size: 8, opacity: 0.85, symbol: MARKS[at % MARKS.length] },
    })),
    layout: { xaxis: { type: "category" }, yaxis: goal.of.subject.yaxis },
  });
  chart(pick("[data-folds]"), {
    title: "Folds, paired",
    unit: goal.of.fold,
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
