// How right the agents are: readouts, by degree and distance, inferred degree, ROC of the filter.

import { chart } from "../charts.js";

const MOST_POINTS = 2000; // in the scatter: SVG slows down with more

const column = (rows, key) => rows.map((row) => row[key]);

/** False and true positive rates and precision of "removed below a confidence", edge by edge. */
export function curves(scores, positive) {
  const order = [...scores.keys()].sort((a, b) => scores[a] - scores[b]);
  const bad = positive.filter(Boolean).length;
  const good = positive.length - bad;
  const roc = { x: [0], y: [0] };
  const pr = { x: [], y: [] };
  let hits = 0;
  order.forEach((edge, at) => {
    hits += positive[edge] ? 1 : 0;
    const next = order[at + 1];
    if (next !== undefined && scores[next] === scores[edge]) return; // ties move together
    roc.x.push((at + 1 - hits) / good);
    roc.y.push(hits / bad);
    pr.x.push(hits / bad);
    pr.y.push(hits / (at + 1));
  });
  return { roc, pr };
}

/** Every so many points, first and last kept: what a screen can show. */
function thin({ x, y }, most = 600) {
  const step = Math.max(1, Math.ceil(x.length / most));
  const keep = (_, at) => at % step === 0 || at === x.length - 1;
  return { x: x.filter(keep), y: y.filter(keep) };
}

export function quality({ nodes, edges, overview }) {
  const box = document.querySelector("[data-quality]");
  const add = (shown) => {
    const element = document.createElement("figure");
    box.append(element);
    chart(element, shown);
  };
  const { readouts, by_degree: degrees, by_hop: hops } = overview;
  add({
    title: "Accuracy of the readouts",
    unit: "share",
    traces: [
      { type: "bar", name: "validation", x: column(readouts, "name"), y: column(readouts, "val_accuracy") },
      { type: "bar", name: "test", x: column(readouts, "name"), y: column(readouts, "test_accuracy") },
    ],
    layout: { yaxis: { range: [0, 1] } },
    note: `Validation chose ${overview.readout}.`,
  });
  add(byGroup("Test accuracy by degree", degrees, "degree", "degree of the node"));
  add(byGroup("Test accuracy by distance to a label", hops, "hop", "steps to the nearest training label"));
  add(scatter(nodes));
  add(histogram("Confidence of the edges", overview.confidence_bins, { axis: "confidence" }));
  // The bins hold halves of it, cut off at twice the uniform share.
  const attention = { axis: "attention as a multiple of the uniform share; the last has all above 2", scale: 2 };
  add(histogram("Attention of the edges", overview.attention_bins, attention));
  if (edges.adversarial?.some(Boolean) && !edges.adversarial.every(Boolean)) {
    const { roc, pr } = curves(edges.c_uv, edges.adversarial);
    const share = edges.adversarial.filter(Boolean).length / edges.adversarial.length;
    add({
      title: "ROC of the confidence",
      unit: "share",
      traces: [
        { name: "confidence", mode: "lines", ...thin(roc) },
        { name: "a guess", mode: "lines", slot: 8, x: [0, 1], y: [0, 1], line: { dash: "dot" } },
      ],
      layout: { xaxis: { title: "share of honest edges accused" }, yaxis: { title: "share of adversarial edges found" } },
    });
    add({
      title: "Precision and recall of the confidence",
      unit: "share",
      traces: [
        { name: "confidence", mode: "lines", ...thin(pr) },
        { name: "a guess", mode: "lines", slot: 8, x: [0, 1], y: [share, share], line: { dash: "dot" } },
      ],
      layout: { xaxis: { title: "recall" }, yaxis: { title: "precision", range: [0, 1] } },
    });
  }
}

function byGroup(title, rows, key, axis) {
  return {
    title,
    unit: "share",
    traces: [
      {
        type: "bar",
        name: "accuracy",
        x: rows.map((row) => String(row[key])),
        y: column(rows, "accuracy"),
        text: rows.map((row) => `${row.nodes} nodes`),
        hovertemplate: "%{y:.3f}, %{text}<extra></extra>",
        textposition: "none",
      },
    ],
    layout: { xaxis: { title: axis, type: "category" }, yaxis: { range: [0, 1] } },
  };
}

function scatter(nodes) {
  const social = [...nodes.degree.keys()].filter((node) => nodes.degree[node] > 0);
  const step = Math.ceil(social.length / MOST_POINTS);
  const shown = social.filter((_, at) => at % step === 0);
  const most = Math.max(...shown.map((node) => nodes.degree[node]));
  return {
    title: "Degree: what is, and what neighbours infer",
    unit: "edges",
    traces: [
      {
        name: "agents",
        mode: "markers",
        x: shown.map((node) => nodes.degree[node]),
        y: shown.map((node) => Math.max(nodes.degree_inferred[node], 0.1)),
        text: shown.map((node) => `node ${nodes.id[node]}`),
        hovertemplate: "%{text}: %{x}, inferred %{y:.1f}<extra></extra>",
        marker: { size: 4, opacity: 0.5 },
      },
      { name: "as it is", mode: "lines", slot: 8, x: [1, most], y: [1, most], line: { dash: "dot" } },
    ],
    layout: {
      xaxis: { type: "log", title: "degree", dtick: 1 },
      yaxis: { type: "log", title: "inferred", dtick: 1 },
    },
    note: step > 1 ? `${shown.length} of ${social.length} agents are drawn.` : "",
  };
}

function histogram(title, bins, { axis, scale = 1 }) {
  const middle = bins.edges.slice(1).map((edge, at) => (scale * (edge + bins.edges[at])) / 2);
  const names = ["all", "honest", "adversarial"].filter((name) => bins[name]);
  return {
    title,
    unit: "edges",
    traces: names.map((name) => ({
      type: "bar",
      name,
      slot: name === "adversarial" ? 6 : 2,
      x: middle,
      y: bins[name],
    })),
    layout: { barmode: "stack", bargap: 0.05, xaxis: { title: axis } },
  };
}
