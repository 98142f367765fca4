// What a job answers of a window: its class, or a number. All that the page says otherwise for the two.

import { SLOTS } from "../palette.js";
import { extent, short } from "../scale.js";
import { confusion, scatter } from "./cbramod-answers.js";
import { share } from "./say.js";

const known = (value) => value !== null && value !== undefined;
const UNIT = "labels' unit";

/** @param {{overview: any, windows: any}} found */
export const goalOf = (found) => (found.overview.goal === "number" ? numbers(found) : classes(found));

/** Windows in which an answer stands beside a label. */
const judged = ({ label, answer }) => [...label.keys()].filter((window) => known(label[window]) && known(answer[window]));

function classes({ overview, windows }) {
  const names = overview.classes;
  const name = (place) => names[place];
  const wrong = judged(windows).filter((window) => windows.label[window] !== windows.answer[window]);
  const right = (label, answer) => (known(label) && known(answer) ? (label === answer ? "right" : "wrong") : "");
  return {
    // What judges a model: `nothing` is what it is worth to know nothing, `least` where its axis ends.
    measure: { key: "balanced_accuracy", title: "Balanced accuracy", one: "a balanced accuracy", nothing: 1 / names.length, least: -Infinity, told: share },
    others: [
      { key: "auroc", title: "AUROC", told: share },
      { key: "auc_pr", title: "AUC-PR", told: share },
      { key: "kappa", title: "Kappa", told: share },
      { key: "weighted_f1", title: "Weighted F1", told: share },
    ],
    note: "",
    of: { subject: { unit: "balanced accuracy", yaxis: { range: [-0.03, 1.03] } }, fold: "balanced accuracy" },
    answers: confusion,
    doubtful: {
      title: "Some wrong answer",
      none: wrong.length === 0,
      next(now) {
        const others = wrong.filter((window) => window !== now);
        return (others.length ? others : wrong)[Math.floor(Math.random() * Math.max(1, others.length))];
      },
    },
    verdict: ({ label, answer, probability }) =>
      [known(label) && `label ${name(label)}`, known(answer) && `answered ${name(answer)} with ${probability.toFixed(2)}`, right(label, answer)]
        .filter(Boolean)
        .join(", "),
    /** Of a window in the signal: its words, its colour, whether it is answered wrongly. */
    mark({ label, answer }) {
      const wrongly = right(label, answer) === "wrong";
      const words = [known(label) && name(label), wrongly && `answered ${name(answer)}`].filter(Boolean);
      return { words, slot: known(label) ? (label % SLOTS) + 1 : 0, wrong: wrongly };
    },
    colours: {
      class: { names, of: (window) => windows.label[window] ?? -1 },
      answer: { names, of: (window) => windows.answer[window] ?? -1 },
      "right or wrong": {
        names: ["right", "wrong"],
        judges: true,
        of: (window) => ["right", "wrong"].indexOf(right(windows.label[window], windows.answer[window])),
      },
    },
    prediction: {
      unit: "probability",
      layout: { barmode: "group", xaxis: { type: "category" }, yaxis: { range: [0, 1] } },
      traces({ before, after }) {
        const bar = (title, slot, y) => ({ type: "bar", name: title, slot, x: names, y, text: y.map((value) => value.toFixed(2)), textposition: "auto" });
        return [bar("window as it is", 8, before), bar("as changed here", 2, after)];
      },
      told({ before, after, label }) {
        const most = (values) => values.indexOf(Math.max(...values));
        const [first, second] = [most(before), most(after)];
        const change =
          first === second
            ? `Still ${names[first]}: ${before[first].toFixed(2)} before, ${after[first].toFixed(2)} after.`
            : `${names[first]} before (${before[first].toFixed(2)}), ${names[second]} after (${after[second].toFixed(2)}).`;
        return label === null ? change : `${change} The label is ${names[label]}.`;
      },
    },
    occlusion: {
      unit: "probability",
      told: ({ answer, probability }) =>
        `answered as ${names[answer]} with ${probability.toFixed(2)}. ` +
        "Each number is what that probability gains where a channel or second is hidden: below zero, the answer rests on it.",
    },
  };
}

function numbers({ windows }) {
  const { label, answer } = windows;
  const labels = extent(label);
  const span = labels[1] - labels[0];
  const both = extent([...labels, ...answer]);
  const margin = 0.12 * (both[1] - both[0]);
  // As exact as tells a hundredth of the labels' span.
  const digits = Math.max(0, 2 - Math.floor(Math.log10(span)));
  const name = (value) => String(Number(value.toFixed(digits))).replace("-", "−");
  const error = (window) => (known(label[window]) && known(answer[window]) ? answer[window] - label[window] : null);
  const size = (window) => Math.abs(error(window));
  const worst = judged(windows).reduce((most, one) => (most < 0 || size(one) > size(most) ? one : most), -1);
  const signed = (value) => (name(value).startsWith("−") ? name(value) : `+${name(value)}`);
  const signedShare = (value) => (known(value) && value < 0 ? `−${share(-value)}` : share(value));
  return {
    measure: {
      key: "r2",
      title: "R²",
      one: "an R²",
      nothing: 0,
      least: -1,
      told: (value) => (known(value) && value <= -10 ? short(value) : signedShare(value)),
    },
    others: [
      { key: "pearson_r", title: "Pearson's r", told: signedShare },
      { key: "rmse", title: "RMSE", told: short },
    ],
    note: "An R² of 1 is without error; below 0, the dotted line, answers are further off than the labels' own mean. RMSE is in the labels' unit.",
    of: { subject: { unit: `RMSE in the ${UNIT}: less is better`, yaxis: { rangemode: "tozero" } }, fold: "R²" },
    answers: scatter,
    doubtful: { title: "The worst answer", none: worst < 0, next: () => worst },
    verdict: (of) => [known(of.label) && `label ${name(of.label)}`, known(of.answer) && `answered ${name(of.answer)}`].filter(Boolean).join(", "),
    mark: (of) => ({
      words: [known(of.label) && `label ${name(of.label)}`, known(of.answer) && `answered ${name(of.answer)}`].filter(Boolean),
      slot: 0,
      wrong: false,
    }),
    colours: {
      label: { values: label, range: labels, unit: "" },
      // On the labels' scale, so that the two can be compared; answers may lie beyond it.
      answer: { values: answer, range: labels, unit: both.some((end, at) => end !== labels[at]) ? "(some lie beyond the ends)" : "" },
      error: { values: label.map((_, window) => error(window)), diverging: true, unit: "too high" },
    },
    prediction: {
      unit: UNIT,
      layout: {
        xaxis: { range: [both[0] - margin, both[1] + margin] }, // as far as labels and answers go
        yaxis: { type: "category", range: [1.6, -0.6] },
        margin: { l: 48, r: 24, t: 28, b: 36 },
      },
      traces(of) {
        const rows = ["as it is", "as changed"];
        const values = [of.before[0], of.after[0]];
        const found = [
          {
            name: "answer",
            slot: 2,
            mode: "lines+markers+text",
            x: values,
            y: rows,
            text: values.map(name),
            textposition: ["top center", "bottom center"],
            cliponaxis: false,
            marker: { size: 11, symbol: ["circle", "diamond"] },
          },
        ];
        if (known(of.label)) found.push({ name: "label", slot: 8, mode: "lines", x: [of.label, of.label], y: rows, line: { dash: "dot" } });
        return found;
      },
      told(of) {
        const [before, after] = [of.before[0], of.after[0]];
        const change = `${name(before)} before, ${name(after)} after: ${signed(after - before)}.`;
        return known(of.label) ? `${change} The label is ${name(of.label)}.` : change;
      },
    },
    occlusion: {
      unit: UNIT,
      told: (of) =>
        `answered with ${name(of.answer)}. ` +
        "Each number is by how much that answer moves where a channel or second is hidden: above zero, up; below, down; at zero, it does not rest on it.",
    },
  };
}
