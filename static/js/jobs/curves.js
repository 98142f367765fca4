// The few curves of the overview: the headline metrics first, as the card names them.

import { chart } from "../charts.js";
import { feed } from "./feed.js";
import { layout, traces } from "./traces.js";

const MOST = 4;
const box = document.querySelector("[data-curves]");
const none = document.querySelector("[data-no-curves]");
const heads = box.dataset.heads.split("|").filter(Boolean);
const drawn = new Map(); // key -> {figure, one}

/** The same order as on the group's page: headline metrics, parts of them, baselines, the rest,
 * and among equals what begins first. */
function rank(key) {
  if (heads.includes(key)) return 0;
  if (heads.some((head) => key.endsWith(`.${head}`))) return key.startsWith("baseline.") ? 2 : 1;
  return 3;
}

/** The method as a whole before its parts. */
function depth(key) {
  return key.split(".").length;
}

function wanted() {
  const { series } = feed();
  const begins = (key) => series.get(key).step[0] ?? Infinity;
  const keys = [...series.keys()].filter((key) => !key.startsWith("system.")).sort();
  return keys
    .sort((a, b) => rank(a) - rank(b) || depth(a) - depth(b) || begins(a) - begins(b) || 0)
    .slice(0, MOST);
}

function show() {
  const source = feed();
  const keys = wanted();
  for (const [key, { figure, one }] of drawn) {
    if (keys.includes(key)) continue;
    one.destroy();
    figure.remove();
    drawn.delete(key);
  }
  for (const key of keys) {
    const lines = traces(key, source.series.get(key), { job: source.about.id });
    if (drawn.has(key)) {
      drawn.get(key).one.update(lines);
      continue;
    }
    const figure = document.createElement("figure");
    figure.dataset.series = key;
    box.append(figure);
    drawn.set(key, { figure, one: chart(figure, { title: key, traces: lines, layout: layout() }) });
  }
  none.hidden = drawn.size > 0;
}

feed().withSeries();
feed().on("reset", show);
feed().on("points", show);
