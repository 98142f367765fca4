// Charts by keyboard: ← → step along points, ↑ ↓ change the series, + − 0 zoom, t shows the table.

const HELP = "Arrow keys step along the points, + and − zoom, 0 shows everything, t the table.";

/** @param {import("./charts.js").Chart} chart */
export function keyboard(chart) {
  const at = { series: 0, point: -1 };
  chart.plot.addEventListener("focus", () => {
    if (!chart.spoken.textContent) chart.spoken.textContent = HELP;
  });
  chart.plot.addEventListener("blur", () => {
    if (chart.spoken.textContent === HELP) chart.spoken.textContent = "";
  });
  chart.element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== chart.plot && event.target !== chart.table) return;
    if (handle(chart, at, event)) event.preventDefault();
  });
}

function handle(chart, at, { key, shiftKey }) {
  if (key === "t") {
    chart.showTable(!chart.asTable);
    (chart.asTable ? chart.table : chart.plot).focus();
    return true;
  }
  if (chart.asTable) return false;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    return step(chart, at, (key === "ArrowLeft" ? -1 : 1) * (shiftKey ? 10 : 1));
  }
  if (key === "ArrowUp" || key === "ArrowDown") {
    const count = chart.plot.data.length;
    at.series = (at.series + (key === "ArrowUp" ? count - 1 : 1)) % count;
    return step(chart, at, 0);
  }
  if (key === "+" || key === "=") return zoom(chart, 0.7);
  if (key === "-" || key === "−") return zoom(chart, 1 / 0.7);
  if (key === "0") return whole(chart);
  return false;
}

const number = (value) =>
  typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value);

function step(chart, at, by) {
  const trace = chart.plot.data[at.series];
  const ys = trace?.y;
  if (!ys?.length) return false;
  at.point = Math.min(ys.length - 1, Math.max(0, at.point < 0 && by <= 0 ? ys.length - 1 : at.point + by));
  const x = trace.x ? trace.x[at.point] : at.point;
  chart.spoken.textContent = `${chart.traces[at.series].name ?? chart.title}, ${number(x)}: ${number(ys[at.point])}`;
  if (chart.plot._fullLayout?._has("cartesian")) {
    window.Plotly.Fx.hover(chart.plot, [{ curveNumber: at.series, pointNumber: at.point }]);
  }
  return true;
}

/** A date as Plotly writes it, "2026-11-28", "2026-11-28 12:00:00.1234": in UTC, as it is drawn. */
function milliseconds(date) {
  if (typeof date === "number") return date;
  const [day, time = "00:00"] = date.split(/[ T]/);
  return Date.parse(`${day}T${time.replace(/Z$/, "")}Z`);
}

const written = (ms) => new Date(ms).toISOString();

function zoom(chart, factor) {
  const axis = chart.plot.layout.xaxis;
  if (!axis?.range || axis.type === "category") return false;
  const dates = axis.type === "date";
  const [low, high] = axis.range.map(dates ? milliseconds : Number);
  const middle = (low + high) / 2;
  const half = ((high - low) / 2) * factor;
  const range = [middle - half, middle + half];
  window.Plotly.relayout(chart.plot, { "xaxis.range": dates ? range.map(written) : range });
  return true;
}

function whole(chart) {
  window.Plotly.relayout(chart.plot, { "xaxis.autorange": true, "yaxis.autorange": true });
  return true;
}
