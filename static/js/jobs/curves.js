// The few curves of the overview.

import { chart } from "../charts.js";
import { feed } from "./feed.js";
import { layout, traces } from "./traces.js";

const MOST = 4;
const box = document.querySelector("[data-curves]");
const none = document.querySelector("[data-no-curves]");
const wanted = box.dataset.curves.split("|").filter(Boolean);
const drawn = new Map(); // key -> Chart

function show() {
  const source = feed();
  for (const key of source.series.keys()) {
    if (wanted.length < MOST && !wanted.includes(key) && !key.startsWith("system.")) wanted.push(key);
  }
  for (const key of wanted) {
    const series = source.series.get(key);
    const lines = series ? traces(key, series, { job: source.about.id }) : [];
    if (drawn.has(key)) {
      drawn.get(key).update(lines);
    } else if (series) {
      const figure = document.createElement("figure");
      figure.dataset.series = key;
      box.append(figure);
      drawn.set(key, chart(figure, { title: key, traces: lines, layout: layout() }));
    }
  }
  none.hidden = drawn.size > 0;
}

feed().withSeries();
feed().on("reset", show);
feed().on("points", show);
