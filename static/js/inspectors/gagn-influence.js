// How far a lie reaches: one training node claims another class, among agents and in a GCN.

import { chart } from "../charts.js";
import { live } from "../live.js";
import { names } from "./gagn-names.js";

const TRAIN = 1; // among the parts of nodes.json
const LAST = 8; // hops told apart by the engine

const pick = (selector) => document.querySelector(selector);

/** @param {{job: string, nodes: any}} found */
export function influence({ job, nodes }) {
  const called = names(nodes);
  const form = pick("[data-lie]");
  const { node: liar, claims, rounds } = form.elements;
  const fault = pick("[data-lie-fault]");
  const note = pick("[data-lie-note]");
  const train = [...nodes.part.keys()].filter((node) => nodes.part[node] === TRAIN);
  const classes = [...new Set(nodes.label)].filter((one) => one >= 0).sort((a, b) => a - b);
  let asked = 0;

  const all = new Option("the likeliest other class", "");
  claims.replaceChildren(all, ...classes.map((one) => new Option(called.class(one), one)));

  function choose() {
    const node = train[Math.floor(Math.random() * train.length)];
    liar.value = nodes.id[node];
    return node;
  }

  async function ask() {
    const mine = ++asked;
    const node = called.find(liar.value.trim());
    fault.textContent = "";
    if (node === undefined || nodes.part[node] !== TRAIN) {
      fault.textContent = `node: expected a training node of this job, got ${liar.value.trim() || "nothing"}`;
      return;
    }
    note.textContent = "The agents are talking …";
    try {
      const set = { node: nodes.id[node], rounds: Number(rounds.value) };
      if (claims.value !== "") set.claims = Number(claims.value);
      const answer = await live().ask(job, "influence", set);
      if (mine === asked) show(answer, called, note);
    } catch (reason) {
      if (mine !== asked) return;
      note.textContent = "";
      fault.textContent = reason.message;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  pick("[data-some-liar]").addEventListener("click", () => {
    choose();
    ask();
  });
  choose();
}

function show(answer, called, note) {
  const { node, was, claims, rounds, nodes, agents, gcn } = answer;
  const hops = nodes.map((_, hop) => (hop === LAST ? `${hop}+` : String(hop)));
  const people = nodes.map((count) => `${count} node${count === 1 ? "" : "s"}`);
  const both = (ours, theirs) => [
    line("GAgN's agents", 1, hops, ours, people),
    line("GCN", 2, hops, theirs, people),
  ];
  draw("answers", both(agents.answers, gcn.answers));
  draw("parameters", both(agents.parameters, hops.map(() => gcn.parameters)));
  note.textContent =
    `Node ${node} of class ${called.class(was)} said ${called.class(claims)} for ${rounds} rounds; ` +
    `the GCN learnt on for ${rounds} epochs. Means over the nodes at each distance.`;
}

const FIGURES = {
  answers: { title: "Change of the answers, by distance", axis: "total variation" },
  parameters: {
    title: "Change of the parameters, by distance",
    axis: "relative change",
    note: "The parameters of a GCN are everybody's: a lie anywhere changes them everywhere.",
  },
};
const drawn = new Map();

function draw(name, traces) {
  if (drawn.has(name)) {
    drawn.get(name).update(traces);
    return;
  }
  const { title, axis, note } = FIGURES[name];
  const layout = {
    xaxis: { title: "steps from the liar", type: "category" },
    yaxis: { title: axis, type: "log", exponentformat: "power" },
  };
  drawn.set(name, chart(pick(`[data-lie-${name}]`), { title, unit: "share", traces, layout, note }));
}

function line(name, slot, hops, values, people) {
  return {
    name,
    slot,
    mode: "lines+markers",
    x: hops,
    y: values.map((value) => (value > 0 ? value : null)), // nothing has no place on a log axis
    text: people,
    hovertemplate: "%{y:.2e}, %{text}<extra></extra>",
  };
}
