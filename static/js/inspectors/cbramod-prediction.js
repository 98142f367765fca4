// What the network answers to a window as it is, and to what it is left of it.

import { chart } from "../charts.js";

/** @param {any} found */
export function prediction({ overview: { classes, part_names: parts }, windows }) {
  const element = document.querySelector("[data-prediction]");
  element.hidden = classes.length === 0;
  let drawn = null;

  function traces({ before, after }) {
    const bar = (name, slot, y) => ({ type: "bar", name, slot, x: classes, y, text: y.map((value) => value.toFixed(2)), textposition: "auto" });
    return [bar("window as it is", 8, before), bar("as changed here", 2, after)];
  }

  function told({ before, after, label }) {
    const most = (values) => values.indexOf(Math.max(...values));
    const [first, second] = [most(before), most(after)];
    const change =
      first === second
        ? `Still ${classes[first]}: ${before[first].toFixed(2)} before, ${after[first].toFixed(2)} after.`
        : `${classes[first]} before (${before[first].toFixed(2)}), ${classes[second]} after (${after[second].toFixed(2)}).`;
    return label === null ? change : `${change} The label is ${classes[label]}.`;
  }

  /** One network answers here; the answer in the title is of the fold that tested the window. */
  const whose = (window) =>
    windows.part[window] === null ? "" : `By the network of the last fold; this window is in its ${parts[windows.part[window]]} part.`;

  return {
    show(answer, window) {
      element.hidden = answer.before === null;
      if (answer.before === null) return;
      const layout = { barmode: "group", xaxis: { type: "category" }, yaxis: { range: [0, 1] } };
      const title = "Answer before and after";
      if (drawn) drawn.update(traces(answer), layout);
      else drawn = chart(element, { title, unit: "probability", traces: traces(answer), layout });
      drawn.say(`${told(answer)} ${whose(window)}`.trim());
    },
  };
}
