// A page of traces as a picture and as numbers.

import { actionBar, button, save } from "../chart-actions.js";
import { csv } from "../chart-table.js";

/**
 * @param {string} title of what is saved
 * @param {import("./cbramod-paper.js").Paper} paper
 * @param {() => string} name of the file
 */
export function paperActions(title, paper, name) {
  return actionBar(
    title,
    button("PNG", "Save as PNG", () => paper.canvas.toBlob((blob) => save(blob, `${name()}.png`))),
    button("CSV", "Save the numbers as CSV", () => save(new Blob([csv(table(paper.page))], { type: "text/csv" }), `${name()}.csv`)),
  );
}

/** One row for each sample: its second, then µV; what was guessed stands beside what was recorded. */
function table({ start, sfreq, channels, signal, guess }) {
  const columns = [...signal, ...(guess ?? [])];
  return {
    columns: ["second", ...channels, ...(guess ? channels.map((name) => `${name}, guessed`) : [])],
    rows: signal[0].map((_, at) => [Number((start + at / sfreq).toFixed(4)), ...columns.map((values) => values[at])]),
  };
}
