// All agents and edges at once: coloured by what one wants to know, a click opens an agent.

import { actionBar, button, save } from "../chart-actions.js";
import { csv } from "../chart-table.js";
import { svg } from "../network-svg.js";
import { Network } from "../network.js";
import { SLOTS, colour, faint, series } from "../palette.js";
import { classes, legend } from "./gagn-legend.js";
import { judged, names } from "./gagn-names.js";

const REMOVED = 2;
const INK = 2500; // edges that may be drawn dark; the more there are, the fainter each is
const DASH = [4, 3];

const pick = (selector) => document.querySelector(selector);

/**
 * @param {any} found
 * @param {(node: number) => void} open
 */
export function network({ nodes, edges, near }, open) {
  const canvas = pick("[data-network]");
  const form = pick("[data-network-form]");
  const note = pick("[data-network-note]"); // also of what the pointer passes over,
  const said = pick("[data-network-said]"); // which nobody wants read out
  const called = names(nodes);
  const drawn = new Network(canvas, { x: nodes.x, y: nodes.y, u: edges.u, v: edges.v });
  let verdict = edges.verdict;
  let now = -1;

  const all = edges.u.map((_, edge) => edge);
  const bad = all.filter((edge) => edges.adversarial?.[edge]);
  if (edges.adversarial === null) form.elements.edges.querySelector("[value=adversarial]").remove();
  const cut = () => all.filter((edge) => verdict[edge] === REMOVED);

  /** The groups of edges that are asked for, faint ones first. */
  function lines() {
    const ink = faint("--ink", Math.max(0.05, Math.min(0.3, INK / all.length)));
    const kept = { of: all.filter((edge) => verdict[edge] !== REMOVED), colour: ink };
    const removed = { of: cut(), colour: faint("--ink", 0.55), dash: DASH };
    const adversarial = { of: bad, colour: faint("--failed", Math.max(0.15, Math.min(0.8, INK / (bad.length || 1)))) };
    return {
      all: [kept, removed, adversarial],
      removed: [{ ...removed, of: removed.of.filter((edge) => !edges.adversarial?.[edge]) },
        { ...adversarial, of: bad.filter((edge) => verdict[edge] === REMOVED), dash: DASH }],
      adversarial: [adversarial],
      none: [],
    }[form.elements.edges.value];
  }

  /** The colour of each node, as asked for. */
  function shades() {
    const unknown = faint("--muted", 0.6);
    const slots = Array.from({ length: SLOTS }, (_, slot) => series(slot));
    const of = (label) => (label < 0 ? unknown : slots[label % SLOTS]);
    const answers = { right: faint("--muted", 0.45), wrong: colour("--ink"), "": unknown };
    const tenths = Array.from({ length: 11 }, (_, tenth) => faint("--accent", 0.08 + 0.092 * tenth));
    return {
      label: (node) => of(nodes.label[node]),
      answer: (node) => of(nodes.predicted[node]),
      judged: (node) => answers[judged(nodes.predicted[node], nodes.label[node])],
      confidence: (node) => tenths[Math.round(10 * nodes.confidence[node])],
    }[form.elements.colour.value];
  }

  /** What the colours and lines of now mean. */
  function meaning() {
    const kinds = form.elements.edges.value;
    const red = edges.adversarial && kinds !== "none" ? ["red: adversarial edge"] : [];
    const dashed = kinds === "all" || kinds === "removed" ? ["dashed: removed"] : [];
    const unknown = nodes.label.some((label) => label < 0) ? ["grey: of no known class"] : [];
    const told = {
      label: [...classes(nodes.label, called), ...unknown],
      answer: classes(nodes.predicted, called),
      judged: ["grey: right answer, or unknown", "in full: wrong answer"],
      confidence: ["the fuller the colour, the larger the share of the answer"],
    }[form.elements.colour.value];
    return [...told, ...red, ...dashed];
  }

  function paint() {
    legend(pick("[data-network-legend]"), meaning());
    drawn.paint({ nodes: shades(), edges: lines(), mark: colour("--ink"), ground: colour("--ground") });
  }

  const words = (node) =>
    `Node ${called.node(node)}: label ${called.class(nodes.label[node])}, answers ${called.class(nodes.predicted[node])} ` +
    `with ${nodes.confidence[node].toFixed(2)}, ${near[node].length} neighbours`;

  function show(node) {
    note.textContent = node >= 0 ? words(node) : now >= 0 ? `${words(now)} (marked)` : "";
  }

  canvas.setAttribute("aria-label", `${nodes.id.length} agents and ${all.length} edges`);
  canvas.addEventListener("hover", ({ detail }) => show(detail));
  canvas.addEventListener("reach", ({ detail }) => {
    show(detail);
    said.textContent = words(detail);
  });
  canvas.addEventListener("pick", ({ detail }) => {
    if (detail >= 0) open(detail);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", paint);
  for (const one of form.querySelectorAll("[data-zoom]")) {
    one.addEventListener("click", () => (one.dataset.zoom === "0" ? drawn.whole() : drawn.zoom(Number(one.dataset.zoom))));
  }
  document.addEventListener("themechange", paint);
  pick("[data-network-head]").append(
    actionBar(
      "All agents",
      button("PNG", "Save as PNG", () => canvas.toBlob((blob) => save(blob, "network.png"))),
      button("SVG", "Save as SVG", () => save(new Blob([svg(drawn)], { type: "image/svg+xml" }), "network.svg")),
      button("CSV", "Save the numbers as CSV", () => save(new Blob([csv(table())], { type: "text/csv" }), "network.csv")),
    ),
  );

  const table = () => ({
    columns: ["node", "x", "y", "label", "answer", "share", "neighbours"],
    rows: nodes.id.map((_, node) => [
      called.node(node), nodes.x[node], nodes.y[node], called.class(nodes.label[node]),
      called.class(nodes.predicted[node]), nodes.confidence[node], near[node].length,
    ]),
  });

  paint();
  return {
    mark(node) {
      now = node;
      drawn.mark(node, near[node]);
      show(-1);
    },
    judge(newest) {
      verdict = newest;
      paint();
    },
  };
}
