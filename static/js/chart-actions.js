// The actions in the head of a chart: as table, PNG, SVG, CSV, link.

import { csv } from "./chart-table.js";
import { colour } from "./palette.js";

/**
 * @param {import("./charts.js").Chart} chart
 */
export function actions(chart) {
  const table = button("Table", "As table (t)", () => chart.showTable(!chart.asTable));
  table.setAttribute("aria-pressed", "false");
  chart.element.addEventListener("charttable", (event) => {
    table.setAttribute("aria-pressed", String(event.detail));
  });
  return actionBar(
    chart.title,
    table,
    button("PNG", "Save as PNG", () => picture(chart, "png")),
    button("SVG", "Save as SVG", () => picture(chart, "svg")),
    button("CSV", "Save the numbers as CSV", () => {
      save(new Blob([csv(chart.rows())], { type: "text/csv" }), `${name(chart)}.csv`);
    }),
    button("Link", "Copy a link to this chart", () => copyLink(chart)),
  );
}

/**
 * @param {string} title of what the buttons act on
 * @param {...HTMLButtonElement} buttons
 */
export function actionBar(title, ...buttons) {
  const bar = document.createElement("div");
  bar.className = "chart-actions";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", `${title}: actions`);
  bar.append(...buttons);
  return bar;
}

export function button(word, title, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = word;
  made.title = title;
  made.addEventListener("click", act);
  return made;
}

const name = (chart) => chart.element.id.replace(/^chart-/, "");

async function picture(chart, format) {
  if (chart.asTable) chart.showTable(false);
  await chart.ready;
  const { plot } = chart;
  const address = await window.Plotly.toImage(
    {
      data: plot.data,
      layout: { ...plot.layout, paper_bgcolor: colour("--ground"), title: { text: chart.title } },
    },
    { format, width: plot.clientWidth, height: plot.clientHeight, scale: format === "png" ? 2 : 1 },
  );
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name(chart)}.${format}`;
  link.click();
}

export function save(blob, file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function copyLink(chart) {
  const address = new URL(location.href);
  address.hash = chart.element.id;
  // Browsers offer the clipboard over HTTPS and on localhost only.
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(address.href);
    chart.spoken.textContent = "The link is copied.";
  } else {
    history.replaceState(null, "", address);
    chart.spoken.textContent = "The link is in the address bar.";
  }
}
