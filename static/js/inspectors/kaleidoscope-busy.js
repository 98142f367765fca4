// How busy each core was, report by report: a row for each core, FPEs first.

import { feed } from "../jobs/feed.js";
import { plotlyScale } from "../scale.js";

const BUSY = /^sim\.busy\.(fpe|hpe)(\d+)$/;
const ROW = 18; // px
const LEAST = 160; // px, with the axis

function cores() {
  const found = [];
  for (const [key, { step, value }] of feed().series) {
    const [, kind, number] = BUSY.exec(key) ?? [];
    if (kind) found.push({ kind, number: Number(number), step: [...step], value: [...value] });
  }
  return found.sort((a, b) => a.kind.localeCompare(b.kind) || a.number - b.number);
}

/** Of one core at all steps; where the server has left a report out, that of the one before. */
function row({ step, value }, steps) {
  let at = -1;
  return steps.map((one) => {
    while (at + 1 < step.length && step[at + 1] <= one) at += 1;
    return at < 0 ? null : value[at];
  });
}

export function busyCores() {
  const all = cores();
  if (!all.length) return [];
  const steps = [...new Set(all.flatMap(({ step }) => step))].sort((a, b) => a - b);
  return [{
    type: "heatmap",
    x: steps,
    y: all.map(({ kind, number }) => `${kind.toUpperCase()} ${number}`),
    z: all.map((core) => row(core, steps)),
    zmin: 0,
    zmax: 1,
    colorscale: plotlyScale("sequential"),
    hovertemplate: "%{y}, report %{x}: busy %{z:.0%}<extra></extra>",
  }];
}

/** As high as its cores need. */
export const busyLayout = ([cores]) => ({
  yaxis: { type: "category", autorange: "reversed" },
  height: LEAST + ROW * (cores?.y.length ?? 0),
});
