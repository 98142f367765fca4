// What the variants take for what, how sure they are, and the test rows that are hardest.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { short } from "../scale.js";
import { headed, offer } from "./flat_lora-words.js";
import { counted } from "./say.js";

const pick = (selector) => document.querySelector(selector);
const READABLE = 12; // classes whose counts are told in the fields of a matrix

/** @param {any} found */
export function answers({ overview, variants, answered }) {
  const judged = variants.filter(({ name }) => answered.models[name]);
  pick("[data-judged]").hidden = judged.length === 0;
  if (judged.length) {
    confusions(judged, overview.classes, answered.models);
    calibration(judged, answered.models, overview.rows.test);
  }
  hardest(variants, overview.classes, answered.rows);
}

function confusions(variants, classes, models) {
  const form = pick("[data-judged-form]");
  const drawn = {};
  offer(form.elements.a, variants);
  offer(form.elements.b, variants, 1);
  const most = Math.max(...variants.flatMap(({ name }) => models[name].confusion.flat()));

  function show() {
    for (const side of ["a", "b"]) {
      const { name, title } = variants.find((variant) => variant.name === form.elements[side].value);
      drawn[side]?.destroy();
      drawn[side] = chart(pick(`[data-confusion="${side}"]`), {
        title: `What ${title} takes for what`,
        unit: "test rows",
        traces: [{ type: "heatmap", x: classes, y: classes, z: models[name].confusion, zmin: 0, zmax: most, showscale: false, xgap: 1, ygap: 1, ...(classes.length <= READABLE && { texttemplate: "%{z}" }) }],
        layout: { xaxis: { title: "answered", type: "category" }, yaxis: { title: "label", type: "category", autorange: "reversed" } },
      });
    }
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}

function calibration(variants, models, rows) {
  chart(pick("[data-calibration]"), {
    title: `Calibration on ${counted(rows, "test row")}`,
    unit: "share that is right",
    traces: [
      ...variants.map(({ name, title, slot }) => {
        const bins = models[name].calibration;
        return {
          name: title,
          slot,
          mode: "lines+markers",
          x: bins.map(({ confidence }) => confidence),
          y: bins.map(({ accuracy }) => accuracy),
          text: bins.map(({ rows }) => counted(rows, "row")),
          hovertemplate: "sure by %{x:.2f}, right %{y:.2f}, %{text}<extra></extra>",
        };
      }),
      { name: "as sure as right", slot: 8, mode: "lines", x: [0, 1], y: [0, 1], line: { dash: "dot" } },
    ],
    layout: { xaxis: { title: "confidence", range: [0, 1] }, yaxis: { range: [0, 1.02] } },
  });
}

function hardest(variants, classes, rows) {
  const form = pick("[data-hardest-form]");
  const table = pick("[data-hardest]");
  const told = (code) => classes[code] ?? "–";
  const chosen = (row) => variants.map(({ name }) => row.answer[name]);
  form.querySelectorAll(".pair").forEach((pair) => (pair.hidden = classes.length === 0));
  const images = rows.some(({ image }) => image);
  headed(table, "Row", images ? "Image" : "Text", ...(classes.length ? ["Label"] : []), ...variants.map(({ title }) => title));
  for (const cell of [...table.tHead.rows[0].cells].slice(1, classes.length ? 3 : 2)) cell.className = "";

  function line(row) {
    return html(
      "tr",
      {},
      html("th", { scope: "row", class: "nowrap" }, String(row.row)),
      row.image ? html("td", {}, html("img", { src: row.image, alt: row.row, class: "thumbnail" })) : html("td", { class: "words" }, row.text),
      ...(classes.length ? [html("td", {}, told(row.label))] : []),
      ...variants.map(({ name }) => {
        const wrong = classes.length > 0 && row.answer[name] !== row.label;
        const answer = classes.length ? [html("span", { class: wrong && "fault" }, `${wrong ? "✗ " : ""}${told(row.answer[name])}`), " "] : [];
        return html("td", { class: "num" }, ...answer, html("span", { class: "muted" }, short(row.loss[name])));
      }),
    );
  }

  function show() {
    const { disagree, wrong } = form.elements;
    const shown = rows.filter((row) => (!disagree.checked || new Set(chosen(row)).size > 1) && (!wrong.checked || chosen(row)[0] !== row.label));
    pick("[data-hardest-count]").textContent = `${shown.length} of ${counted(rows.length, "row")}, with the loss in nat`;
    table.tBodies[0].replaceChildren(...shown.map(line));
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
