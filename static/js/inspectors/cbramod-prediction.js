// What the network answers to a window as it is, and to what it is left of it.

import { chart } from "../charts.js";

/** @param {any} found */
export function prediction({ overview: { task, part_names: parts }, windows, goal }) {
  const element = document.querySelector("[data-prediction]");
  element.hidden = task !== "finetune";
  let drawn = null;

  /** One network answers here; the answer in the title is of the fold that tested the window. */
  const whose = (window) =>
    windows.part[window] === null ? "" : `By the network of the last fold; this window is in its ${parts[windows.part[window]]} part.`;

  return {
    show(answer, window) {
      element.hidden = answer.before === null;
      if (answer.before === null) return;
      const { unit, layout } = goal.prediction;
      const traces = goal.prediction.traces(answer);
      const title = "Answer before and after";
      if (drawn) drawn.update(traces, layout);
      else drawn = chart(element, { title, unit, traces, layout });
      drawn.say(`${goal.prediction.told(answer)} ${whose(window)}`.trim());
    },
  };
}
