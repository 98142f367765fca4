// Every chart of the bench: a head with title, unit and actions, a Plotly drawing themed from the
// tokens, the same numbers as a table, and the keyboard. SVG traces only (the policy forbids eval).
//
//   const drawn = chart(element, { title: "Loss", unit: "nats", traces, layout });
//   drawn.update(traces);                       // at most four drawings a second
//   drawn.extend({ x: [[7]], y: [[0.3]] }, [0]); // append to traces by index
//
// A trace may carry `job` (its id gives the colour) or `slot` (a palette number from 1).
// `<figure class="chart" data-figure="script-id">` is drawn by itself from a JSON script with
// {data, layout, title, unit}. `element.data` is what Plotly has drawn.

import { actions } from "./chart-actions.js";
import { keyboard } from "./chart-keys.js";
import { tableOf } from "./chart-table.js";
import { themed, themedLayout } from "./chart-theme.js";

const LEAST_GAP = 250; // ms between two drawings
const MOST_HEIGHT = 1600; // px that a figure may ask for
const CONFIG = { displaylogo: false, displayModeBar: false, responsive: false, doubleClick: "reset" };
const every = new Set();
let made = 0;

export class Chart {
  /**
   * @param {HTMLElement} element
   * @param {{title: string, unit?: string, traces: object[], layout?: object, note?: string,
   *          table?: () => {columns: string[], rows: any[][]}}} shown
   */
  constructor(element, { title, unit = "", traces, layout = {}, note = "", table }) {
    Object.assign(this, { element, title, unit, traces, layout });
    this.rows = table ?? (() => tableOf(this.traces, this.layout));
    this.drawn = 0; // time of the newest drawing
    this.frame = 0;
    this.asTable = false;
    this.build(note);
    this.draw();
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.plot);
    every.add(this);
  }

  build(note) {
    const { element } = this;
    element.classList.add("chart");
    element.id ||= `chart-${slug(this.title) || ++made}`;
    element.replaceChildren();
    Object.defineProperty(element, "data", { configurable: true, get: () => this.plot.data });

    const head = document.createElement("div");
    head.className = "chart-head";
    const title = document.createElement(element.tagName === "FIGURE" ? "figcaption" : "p");
    title.className = "chart-title";
    title.id = `${element.id}-title`;
    title.append(...breakable(this.title));
    if (this.unit) {
      const unit = document.createElement("span");
      unit.className = "unit";
      unit.textContent = this.unit;
      title.append(" ", unit);
    }
    head.append(title, actions(this));

    this.plot = document.createElement("div");
    this.plot.className = "chart-plot";
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "group");
    this.plot.setAttribute("aria-roledescription", "chart");
    this.plot.setAttribute("aria-labelledby", title.id);
    this.table = document.createElement("div");
    this.table.className = "chart-table";
    this.table.hidden = true;
    this.table.tabIndex = 0;
    this.table.setAttribute("role", "region");
    this.table.setAttribute("aria-labelledby", title.id);
    this.spoken = document.createElement("p");
    this.spoken.className = "chart-note";
    this.spoken.setAttribute("role", "status");
    this.spoken.textContent = note;
    element.append(head, this.plot, this.table, this.spoken);
    keyboard(this);
  }

  /** The line under the drawing, read out by screen readers. */
  say(words) {
    this.spoken.textContent = words;
  }

  /** Replace what is shown; drawn in the next free frame. */
  update(traces, layout) {
    this.traces = traces;
    if (layout) this.layout = layout;
    this.schedule();
  }

  /**
   * Append points, as Plotly.extendTraces has it.
   * @param {Record<string, any[][]>} more
   * @param {number[]} indices
   */
  extend(more, indices) {
    for (const [key, lists] of Object.entries(more)) {
      lists.forEach((list, at) => {
        const trace = this.traces[indices[at]];
        trace[key] = [...(trace[key] ?? []), ...list];
      });
    }
    this.schedule();
  }

  schedule() {
    if (this.frame) return;
    const wait = Math.max(0, this.drawn + LEAST_GAP - performance.now());
    this.frame = setTimeout(() => {
      requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }, wait);
  }

  draw() {
    this.drawn = performance.now();
    if (this.asTable) {
      this.fillTable();
      return;
    }
    if (!this.plot.isConnected) return;
    this.element.classList.toggle("wide", wide(this.traces));
    const { height } = this.layout;
    this.plot.style.blockSize = Number.isFinite(height) ? `${Math.min(height, MOST_HEIGHT)}px` : "";
    this.ready = window.Plotly.react(
      this.plot,
      themed(this.traces),
      themedLayout(this.layout, this.traces),
      CONFIG,
    );
  }

  resize() {
    if (!this.asTable && this.plot.isConnected && this.plot.data) window.Plotly.Plots.resize(this.plot);
  }

  /** @param {boolean} on */
  showTable(on) {
    this.asTable = on;
    this.plot.hidden = on;
    this.table.hidden = !on;
    this.draw();
    this.element.dispatchEvent(new CustomEvent("charttable", { detail: on }));
  }

  fillTable() {
    this.table.replaceChildren(tableElement(this.rows(), this.title));
  }

  destroy() {
    this.watch.disconnect();
    clearTimeout(this.frame);
    window.Plotly.purge(this.plot);
    every.delete(this);
  }
}

/** A map with a number in each of many fields takes the whole width, so that they can be read. */
function wide([trace]) {
  return trace?.type === "heatmap" && Boolean(trace.texttemplate) && trace.x?.length > 6;
}

const MOST_ROWS = 500; // drawn; the CSV has all

export function tableElement({ columns, rows }, title) {
  const table = document.createElement("table");
  table.className = "numbers sticky";
  const caption = table.createCaption();
  caption.textContent =
    rows.length > MOST_ROWS
      ? `${title}: the last ${MOST_ROWS} of ${rows.length} rows. The CSV has all.`
      : `${title}: ${rows.length} rows`;
  const head = table.createTHead().insertRow();
  for (const name of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows.slice(-MOST_ROWS)) {
    const line = body.insertRow();
    for (const value of row) {
      const cell = line.insertCell();
      if (typeof value === "number") cell.className = "num";
      cell.textContent = value === null || value === undefined ? "–" : String(value);
    }
  }
  return table;
}

/** A name of one word, as metrics have it, breaks at its dots and underscores. */
function breakable(text) {
  const [first, ...others] = text.split(/(?<=[._])/);
  return [first ?? "", ...others.flatMap((part) => [document.createElement("wbr"), part])];
}

function slug(text) {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
}

/**
 * @param {HTMLElement} element
 * @param {ConstructorParameters<typeof Chart>[1]} shown
 */
export function chart(element, shown) {
  return new Chart(element, shown);
}

/**
 * Draws every <figure data-figure> below a node that is not drawn yet.
 * @param {ParentNode} root
 */
export function drawFigures(root) {
  for (const figure of root.querySelectorAll("figure.chart[data-figure]:not([data-drawn])")) {
    const { data, layout = {}, title, unit } = JSON.parse(
      document.getElementById(figure.dataset.figure).textContent,
    );
    figure.dataset.drawn = "";
    const given = title ?? layout.title?.text ?? (typeof layout.title === "string" ? layout.title : "");
    chart(figure, { title: given, unit, traces: data, layout });
  }
}

document.addEventListener("themechange", () => every.forEach((one) => one.draw()));
document.addEventListener("htmx:afterSwap", (event) => {
  for (const one of every) if (!one.element.isConnected) one.destroy();
  drawFigures(event.target);
});
drawFigures(document);
