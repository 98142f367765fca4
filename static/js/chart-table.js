// The numbers behind a drawing, as columns and rows: the accessible form, and the CSV.

const named = (trace, at) => trace.name ?? `series ${at + 1}`;
const list = (values) => (values ? Array.from(decoded(values)) : []);

/** Plotly's JSON may hold arrays as base64 ({dtype, bdata}). */
function decoded(values) {
  if (!values?.bdata) return values;
  const bytes = Uint8Array.from(atob(values.bdata), (letter) => letter.charCodeAt(0));
  const kinds = {
    f8: Float64Array, f4: Float32Array, i4: Int32Array, i2: Int16Array, i1: Int8Array,
    u4: Uint32Array, u2: Uint16Array, u1: Uint8Array,
  };
  return new kinds[values.dtype](bytes.buffer);
}

const axisName = (layout, key, otherwise) => {
  const title = layout[key]?.title;
  return (typeof title === "string" ? title : title?.text) || otherwise;
};

/**
 * @param {object[]} traces
 * @param {object} layout
 * @returns {{columns: string[], rows: any[][]}}
 */
export function tableOf(traces, layout = {}) {
  const kind = traces[0]?.type ?? "scatter";
  if (kind === "heatmap" || kind === "contour") return heatmap(traces[0], layout);
  if (kind === "sankey") return sankey(traces[0]);
  return points(traces, layout);
}

/** One row per x where traces share their x; else one row per point. */
function points(traces, layout) {
  const x = axisName(layout, "xaxis", "x");
  const y = axisName(layout, "yaxis", "y");
  const told = traces.filter((trace) => trace.hoverinfo !== "skip");
  const unique = told.every((trace) => {
    const xs = list(trace.x);
    return !trace.mode?.startsWith("markers") && new Set(xs).size === xs.length;
  });
  if (!unique) {
    const texts = told.some((trace) => Array.isArray(trace.text));
    const columns = ["series", x, y, ...(texts ? ["text"] : [])];
    const rows = told.flatMap((trace, at) => {
      const ys = list(trace.y);
      return list(trace.x).map((value, i) => [
        named(trace, at), value, ys[i], ...(texts ? [trace.text?.[i] ?? ""] : []),
      ]);
    });
    return { columns, rows };
  }
  const found = new Map();
  told.forEach((trace, at) => {
    const ys = list(trace.y);
    const xs = trace.x ? list(trace.x) : ys.map((_, i) => i);
    xs.forEach((value, i) => {
      if (!found.has(value)) found.set(value, Array(told.length).fill(null));
      found.get(value)[at] = ys[i];
    });
  });
  const rows = [...found].map(([value, ys]) => [value, ...ys]);
  if (rows.every(([value]) => typeof value === "number")) rows.sort((a, b) => a[0] - b[0]);
  const heads = told.length === 1 && !told[0].name ? [y] : told.map(named);
  return { columns: [x, ...heads], rows };
}

function heatmap(trace, layout) {
  const rows = [];
  const z = list(trace.z);
  z.forEach((line, row) => {
    list(line).forEach((value, column) => {
      rows.push([trace.y?.[row] ?? row, trace.x?.[column] ?? column, value]);
    });
  });
  return { columns: [axisName(layout, "yaxis", "row"), axisName(layout, "xaxis", "column"), "value"], rows };
}

function sankey(trace) {
  const { source, target, value } = trace.link;
  const label = trace.node.label;
  const rows = list(value).map((count, at) => [label[source[at]], label[target[at]], count]);
  return { columns: ["from", "to", "count"], rows };
}

/** A cell that a spreadsheet could take for a formula is marked as text. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {{columns: string[], rows: any[][]}} table */
export function csv({ columns, rows }) {
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
