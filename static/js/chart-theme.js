// How a plain Plotly figure gets the look of the bench: colours, fonts, hairlines.

import { DASHES, MARKS, SLOTS, colour, faint, ofJob, series } from "./palette.js";
import { plotlyScale } from "./scale.js";

/** Plotly reads a little HTML in names; what people called a thing is shown as they wrote it. */
export function plain(text) {
  return typeof text === "string"
    ? text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    : text;
}

const LINES = new Set(["scatter", undefined]);

/** "series-3", "accent", "muted": token names that a figure may use instead of a colour. */
function named(value) {
  if (typeof value === "string" && /^--[a-z0-9-]+$/.test(value)) return colour(value);
  if (Array.isArray(value)) return value.map(named);
  return value;
}

/**
 * Colour slot and dash of each trace. A job keeps its colour on all pages; jobs of one chart
 * that share a colour differ by their dash.
 */
function places(traces) {
  const owners = new Map(); // slot -> ids of jobs
  return traces.map((trace, index) => {
    if (trace.job) {
      const slot = ofJob(trace.job);
      const jobs = owners.get(slot) ?? [];
      if (!jobs.includes(trace.job)) jobs.push(trace.job);
      owners.set(slot, jobs);
      return { slot, dash: jobs.indexOf(trace.job) % DASHES.length };
    }
    const at = trace.slot ? trace.slot - 1 : index;
    return { slot: at % SLOTS, dash: Math.floor(at / SLOTS) % DASHES.length };
  });
}

/** @param {object[]} traces */
export function themed(traces) {
  const found = places(traces);
  return traces.map((trace, index) => {
    const { job, slot, ...rest } = trace;
    const own = found[index];
    const shade = series(own.slot);
    const result = { ...rest, name: plain(rest.name) };
    if (LINES.has(rest.type)) {
      result.line = { color: shade, width: 1.75, dash: DASHES[own.dash], ...rest.line };
      result.marker = {
        color: shade,
        size: 5,
        symbol: MARKS[own.dash % MARKS.length],
        line: { width: 0 },
        ...rest.marker,
      };
      result.line.color = named(result.line.color);
      result.marker.color = named(result.marker.color);
      if (rest.fillcolor) result.fillcolor = named(rest.fillcolor);
    } else if (rest.type === "bar" || rest.type === "histogram" || rest.type === "box") {
      result.marker = { color: shade, ...rest.marker };
      result.marker.color = named(result.marker.color);
    } else if (rest.type === "heatmap") {
      // Where a field says its number, the scale ends where the ink can still be read on it.
      const most = rest.texttemplate ? faint("--accent", 0.5) : colour("--accent");
      result.colorscale ??= [[0, colour("--ground")], [1, most]];
      if (rest.texttemplate) result.textfont = { color: colour("--ink"), ...rest.textfont };
      result.colorbar = { thickness: 10, outlinewidth: 0, ...rest.colorbar };
    } else if (rest.type === "contour") {
      result.colorscale ??= plotlyScale("sequential");
      result.line = { color: colour("--ground"), width: 0.75, ...rest.line };
      result.colorbar = { thickness: 10, outlinewidth: 0, ...rest.colorbar };
    } else if (rest.type === "sankey") {
      const pad = { thickness: 14, pad: 16, line: { width: 0 } };
      result.node = { ...pad, ...rest.node, label: rest.node.label?.map(plain) };
      result.node.color = named(rest.node.color ?? rest.node.label.map((_, at) => series(at)));
      result.link = { color: faint("--muted", 0.3), ...rest.link };
      result.link.color = named(result.link.color);
    }
    return result;
  });
}

function axis(given = {}) {
  const title = typeof given.title === "string" ? { text: given.title } : given.title;
  return {
    automargin: true,
    gridcolor: colour("--rule"),
    gridwidth: 1,
    linecolor: colour("--edge"),
    zeroline: false,
    ticks: "outside",
    ticklen: 4,
    tickcolor: colour("--edge"),
    tickfont: { color: colour("--muted"), size: 11 },
    ...given,
    title: title ? { standoff: 8, ...title, font: { color: colour("--muted"), size: 12 } } : undefined,
  };
}

/** Where lines have one value alone, Plotly would show 1 above and below: an accuracy of 0 to 2. */
function aroundOneValue(yaxis, traces) {
  if (yaxis.type === "log" || yaxis.autorange || yaxis.rangemode) return undefined;
  if (!traces.every((trace) => LINES.has(trace.type) && Array.isArray(trace.y))) return undefined;
  const values = new Set(traces.flatMap((trace) => trace.y.filter((value) => value !== null)));
  const [value] = values;
  if (values.size !== 1 || !Number.isFinite(value) || value === 0) return undefined;
  const pad = Math.abs(value) / 10;
  return [value - pad, value + pad];
}

/**
 * @param {object} layout as given
 * @param {object[]} traces
 */
export function themedLayout(layout, traces) {
  // The head of the chart says the title, the page how wide it is, the box how high.
  const { template, title, width, height, ...given } = layout;
  const family = getComputedStyle(document.body).fontFamily;
  const shown = traces.filter((trace) => trace.name && trace.showlegend !== false);
  const result = {
    autosize: true,
    uirevision: "keep", // what was zoomed stays so while points arrive
    hovermode: "closest",
    showlegend: shown.length > 1,
    margin: { l: 48, r: 12, t: 8, b: 36 },
    ...given,
    font: { family, size: 12, color: colour("--ink"), ...given.font },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: {
      bgcolor: colour("--raised"),
      bordercolor: colour("--edge"),
      font: { family, size: 12, color: colour("--ink") },
      align: "left",
    },
    legend: {
      orientation: "h",
      x: 0,
      y: 1.02,
      yanchor: "bottom",
      font: { size: 12 },
      bgcolor: "rgba(0,0,0,0)",
      ...given.legend,
    },
    modebar: { remove: [] },
  };
  if (result.showlegend && !given.margin && !given.legend) result.margin.t = 28;
  const axes = new Set(["xaxis", "yaxis", ...Object.keys(given).filter((key) => /^[xy]axis\d*$/.test(key))]);
  for (const name of axes) result[name] = axis(given[name]);
  result.yaxis.range ??= aroundOneValue(result.yaxis, traces);
  return result;
}
