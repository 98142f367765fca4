// The intervals of the verdict's table, drawn; the table itself comes with the page.

import { forest } from "../forest.js";

const number = (text) => (text === undefined ? null : Number(text));

/** One axis for each metric: what all its rows reach, and 0, which is no difference. */
function drawIntervals() {
  const cells = [...document.querySelectorAll("[data-forest]")];
  for (const metric of new Set(cells.map(({ dataset }) => dataset.forest))) {
    const rows = cells
      .filter(({ dataset }) => dataset.forest === metric)
      .map((place) => ({ place, low: number(place.dataset.low), high: number(place.dataset.high), value: number(place.dataset.value) }));
    const ends = rows.flatMap(({ low, high, value }) => [low ?? value, high ?? value]);
    const range = [Math.min(0, ...ends), Math.max(0, ...ends)];
    for (const { place, ...told } of rows) {
      place.querySelector("svg")?.remove();
      place.prepend(forest(told, range, 0));
    }
  }
}

export function verdict() {
  drawIntervals();
  document.addEventListener("htmx:afterSwap", drawIntervals); // the job has ended: a new table
}
