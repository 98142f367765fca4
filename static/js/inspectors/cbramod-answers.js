// What the models answered, against what was right: counts of classes, or numbers on their diagonal.

import { chart } from "../charts.js";
import { share } from "./say.js";

const MOST_DOTS = 3000; // that a drawing of single elements bears

/** @param {any} found */
export function confusion(element, form, { overview: { models, confusion: tables, classes } }) {
  form.elements.model.replaceChildren(...models.map(({ key, title }) => new Option(title, key)));
  const layout = {
    xaxis: { title: "answered", type: "category" },
    yaxis: { title: "label", type: "category", autorange: "reversed" },
  };
  const heat = (key) => {
    const table = tables[key];
    const text = table.map((line) => line.map((count) => `${count} (${share(count / (line.reduce((sum, one) => sum + one, 0) || 1))})`));
    return [{ type: "heatmap", x: classes, y: classes, z: table, text, texttemplate: "%{text}", showscale: false, xgap: 2, ygap: 2 }];
  };
  const drawn = chart(element, { title: "What was taken for what", unit: "windows", traces: heat(models[0].key), layout });
  form.addEventListener("change", () => drawn.update(heat(form.elements.model.value)));
  form.addEventListener("submit", (event) => event.preventDefault());
}

/** Of the first model, the only one whose answers come window by window. */
export function scatter(element, form, { overview: { models }, windows: { label, answer }, called }) {
  form.hidden = true;
  const tested = [...answer.keys()].filter((window) => answer[window] !== null && label[window] !== null);
  const step = Math.ceil(tested.length / MOST_DOTS);
  const shown = tested.filter((_, at) => at % step === 0);
  const of = (values) => shown.map((window) => values[window]);
  const labels = of(label);
  const ends = [Math.min(...labels), Math.max(...labels)];
  chart(element, {
    title: "Answers against labels",
    unit: "labels' unit",
    traces: [
      {
        name: models[0].title,
        slot: 1,
        mode: "markers",
        x: labels,
        y: of(answer),
        text: shown.map((window) => called.name(window)),
        marker: { size: 6, opacity: 0.6 },
      },
      { name: "answer is label", slot: 8, mode: "lines", x: ends, y: ends, hoverinfo: "skip", line: { dash: "dot" } },
    ],
    layout: { xaxis: { title: "label" }, yaxis: { title: "answered" } },
    note: step === 1 ? "" : `${shown.length} of ${tested.length} windows, evenly chosen.`,
  });
}
