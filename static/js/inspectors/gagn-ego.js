// One agent and its neighbours: a drawing to walk through, the same as a table, and its facts.

import { drawingActions } from "../chart-drawing.js";
import { classes, legend } from "./gagn-legend.js";
import { judged, names } from "./gagn-names.js";
import { toggle } from "./gagn-toggle.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 40; // neighbours drawn; the table has all
const VERDICTS = ["kept", "spared", "removed"];
const PARTS = ["unused", "train", "validation", "test"];

const pick = (selector) => document.querySelector(selector);

/** An element of the drawing with its attributes. */
function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * @param {any} found
 * @param {(node: number) => void} tell hears which agent is shown now
 */
export function ego(found, tell) {
  const { nodes, edges, near } = found;
  const called = names(nodes);
  const past = [];
  let verdict = edges.verdict;
  let now = -1;

  const other = (edge, node) => (edges.u[edge] === node ? edges.v[edge] : edges.u[edge]);
  const to = (edge, node) => (edges.u[edge] === node ? edges.alpha_uv[edge] : edges.alpha_vu[edge]);
  const from = (edge, node) => to(edge, other(edge, node));
  const isWrong = (node) => judged(nodes.predicted[node], nodes.label[node]) === "wrong";
  const sorted = (node) => [...near[node]].sort((a, b) => to(b, node) - to(a, node));

  function show(node, { keep = true } = {}) {
    if (keep && now >= 0 && now !== node) past.push(now);
    now = node;
    pick("[data-back]").disabled = past.length === 0;
    pick("#node").value = nodes.id[node];
    pick("[data-find-fault]").textContent = "";
    pick("[data-ego]").replaceChildren(network(node));
    facts(node);
    rows(node);
    ask.about(node);
    tell(node);
  }

  /** The agent in the middle; a neighbour is the nearer, the more attention it gets. */
  function network(node) {
    const shown = sorted(node).slice(0, MOST);
    const svg = draw("svg", {
      viewBox: "-230 -185 460 370",
      role: "group",
      "aria-label": `Node ${nodes.id[node]} with ${shown.length} of ${near[node].length} neighbours`,
    });
    const most = Math.max(...shown.map((edge) => to(edge, node)), 1e-9);
    const spots = shown.map((edge, at) => {
      const angle = (2 * Math.PI * at) / shown.length - Math.PI / 2;
      const far = 165 - 75 * (to(edge, node) / most) + (shown.length > 14 && at % 2 ? 18 : 0);
      return { edge, x: far * 1.2 * Math.cos(angle), y: far * Math.sin(angle) };
    });
    for (const { edge, x, y } of spots) {
      const kind = [edges.adversarial?.[edge] ? "adversarial" : "", VERDICTS[verdict[edge]]];
      const width = (0.75 + (7 * to(edge, node)) / most).toFixed(2);
      svg.append(draw("line", { class: `edge ${kind.join(" ")}`, x1: 0, y1: 0, x2: x, y2: y, "stroke-width": width }));
    }
    for (const { edge, x, y } of spots) svg.append(spot(other(edge, node), x, y, edge, node));
    svg.append(middle(node));
    return svg;
  }

  const slot = (node) => (nodes.label[node] < 0 ? "" : `slot-${(nodes.label[node] % 8) + 1}`);

  function spot(node, x, y, edge, center) {
    const words =
      `Node ${called.node(node)}, class ${called.class(nodes.label[node])}, attention ${to(edge, center).toFixed(3)}, ` +
      `confidence ${edges.c_uv[edge].toFixed(2)}, ${VERDICTS[verdict[edge]]}` +
      (edges.adversarial?.[edge] ? ", adversarial" : "");
    const group = draw("g", {
      class: `node ${slot(node)}`,
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
      role: "button",
      tabindex: 0,
      "aria-label": words,
    });
    group.append(draw("circle", { r: 9 }), draw("text", { y: 21 }, String(nodes.id[node])), draw("title", {}, words));
    if (isWrong(node)) group.append(draw("circle", { class: "wrong", r: 12 }));
    const go = () => {
      show(node);
      pick("[data-ego] .middle").focus();
    };
    group.addEventListener("click", go);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      go();
    });
    return group;
  }

  function middle(node) {
    const group = draw("g", { class: `node middle ${slot(node)}`, tabindex: -1 });
    group.append(draw("circle", { r: 15 }), draw("text", { y: 4 }, String(nodes.id[node])));
    if (isWrong(node)) group.append(draw("circle", { class: "wrong", r: 18.5 }));
    return group;
  }

  function facts(node) {
    const answer = [called.class(nodes.predicted[node]), judged(nodes.predicted[node], nodes.label[node])];
    pick("[data-agent-title]").textContent = `Node ${called.node(node)}`;
    const told = [
      ["Label", `${called.class(nodes.label[node])} (${PARTS[nodes.part[node]]})`],
      ["Answer", `${answer.filter(Boolean).join(", ")}, with a share of ${nodes.confidence[node].toFixed(2)}`],
      ...Object.entries(nodes.readouts).map(([name, all]) => [`… ${name}`, called.class(all[node])]),
      ["Degree", `${nodes.degree[node]}; neighbours infer ${nodes.degree_inferred[node].toFixed(1)}`],
      ["After the filter", near[node].filter((edge) => VERDICTS[verdict[edge]] !== "removed").length],
      ["To a training label", nodes.hop[node] < 0 ? "no path" : `${nodes.hop[node]} step${nodes.hop[node] === 1 ? "" : "s"}`],
    ];
    pick("[data-agent]").replaceChildren(
      ...told.flatMap(([name, value]) => {
        const term = document.createElement("dt");
        const description = document.createElement("dd");
        term.textContent = name;
        description.textContent = value;
        return [term, description];
      }),
    );
  }

  const truth = (edge) =>
    edges.adversarial === null ? "" : edges.adversarial[edge] ? "adversarial" : "honest";

  /** What the table says of a neighbour, the name of its node first. */
  function row(edge, node) {
    const there = other(edge, node);
    return [
      called.node(there), to(edge, node), from(edge, node), edges.c_uv[edge],
      called.class(nodes.label[there]), called.class(nodes.predicted[there]), VERDICTS[verdict[edge]], truth(edge),
    ];
  }

  function rows(node) {
    const body = pick("[data-neighbours] tbody");
    body.replaceChildren();
    for (const edge of sorted(node)) {
      const [name, ...values] = row(edge, node);
      const line = body.insertRow();
      const link = document.createElement("button");
      link.type = "button";
      link.className = "plain walk";
      link.textContent = name;
      link.addEventListener("click", () => show(other(edge, node)));
      line.insertCell().append(link);
      for (const value of values) {
        const cell = line.insertCell();
        if (typeof value === "number") cell.className = "num";
        cell.textContent = typeof value === "number" ? value.toFixed(3) : value;
      }
    }
  }

  function some(kind) {
    const fits =
      kind === "wrong"
        ? (node) => nodes.part[node] === 3 && nodes.predicted[node] !== nodes.label[node]
        : (node) => near[node].some((edge) => edges.adversarial[edge]);
    for (let step = 1; step <= nodes.id.length; step++) {
      const node = (now + step) % nodes.id.length;
      if (fits(node)) return show(node);
    }
    pick("[data-find-fault]").textContent = "There is none.";
    return undefined;
  }

  pick("[data-find]").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = pick("#node").value.trim();
    const node = called.find(text);
    if (node !== undefined) show(node);
    else pick("[data-find-fault]").textContent = `node: expected the number of a node of this job (${nodes.id[0]} to ${nodes.id.at(-1)}, ${nodes.id.length} in all), got ${text || "nothing"}`;
  });
  for (const button of document.querySelectorAll("[data-among]")) {
    button.addEventListener("click", () => some(button.dataset.among));
  }
  pick('[data-among="attacked"]').hidden = edges.adversarial === null;
  pick("[data-back]").addEventListener("click", () => show(past.pop(), { keep: false }));
  legend(pick("[data-legend]"), [
    ...classes(nodes.label, called),
    "the wider, the more attention",
    ...(edges.adversarial ? ["red: adversarial edge"] : []),
    "dashed: removed",
    "ringed: wrong answer",
  ]);
  pick("[data-ego-head]").append(
    drawingActions(pick("[data-ego-head]").textContent.trim(), {
      name: () => `node-${nodes.id[now]}`,
      svg: () => pick("[data-ego] svg"),
      table: () => ({
        columns: [...document.querySelectorAll("[data-neighbours] th")].map((head) => head.textContent),
        rows: sorted(now).map((edge) => row(edge, now)),
      }),
    }),
  );

  const ask = toggle(found);
  show(near.reduce((best, list, node) => (list.length > near[best].length && list.length <= 12 ? node : best), 0));
  return {
    show(node) {
      show(node);
      pick("[data-ego] .middle").focus({ preventScroll: true });
      pick("#ego").scrollIntoView({ block: "start" });
    },
    judge(newest) {
      verdict = newest;
      show(now, { keep: false });
    },
  };
}
