// The filter's sliders: each move asks the job's own agents, the newest answer is shown.

import { chart } from "../charts.js";
import { live } from "../live.js";

const WAIT = 120; // ms that a slider rests before it is asked

const percent = (value) => (value === null || value === undefined ? "–" : value.toFixed(4));

/**
 * @param {any} found
 * @param {(verdict: number[]) => void} judge
 */
export function whatIf({ job, edges, overview }, judge) {
  const form = document.querySelector("[data-threshold]");
  const note = document.querySelector("[data-answer-note]");
  const keep = form.querySelector("[data-keep]"); // only for those who may run jobs
  const { rule } = overview;
  const scan = scanChart(overview.thresholds, rule);
  const flow = chart(document.querySelector("[data-flow]"), {
    title: "From suspicion to verdict",
    unit: "edges",
    traces: [sankey(overview.levels)],
  });
  const ended = rule.used ? "As this job ended." : "As this job ended: validation preferred no cut. Move a slider to see one.";
  let timer = 0;
  let newest = 0;

  function set({ tau, kappa, mode }) {
    form.elements.tau.value = tau;
    form.elements.kappa.value = kappa;
    form.elements.mode.value = mode;
    form.elements.allow_isolated.checked = false;
    say();
  }

  function say() {
    form.querySelector("[data-tau]").textContent = Number(form.elements.tau.value).toFixed(2);
    form.querySelector("[data-kappa]").textContent = Number(form.elements.kappa.value).toFixed(2);
    if (keep) keep.href = asJob(keep.href, form.elements);
  }

  async function ask() {
    const mine = ++newest;
    const { tau, kappa, mode, allow_isolated: isolated } = form.elements;
    const set = {
      tau: Number(tau.value),
      kappa: Number(kappa.value),
      mode: mode.value,
      allow_isolated: isolated.checked,
    };
    note.textContent = "Asking the agents …";
    const begun = performance.now();
    try {
      const answer = await live().ask(job, "threshold", set);
      if (mine !== newest) return;
      const seconds = ((performance.now() - begun) / 1000).toFixed(2);
      note.textContent = `${answer.rule}; the readout ${answer.readout} answered in ${seconds} s, without new training.`;
      figures(answer);
      flow.update([sankey(answer.levels)]);
      flow.say(`With ${answer.rule}.`);
      scan.show(answer.thresholds, set);
      judge(answer.verdict);
    } catch (fault) {
      if (mine === newest) note.textContent = `No answer: ${fault.message}.`;
    }
  }

  form.addEventListener("input", () => {
    say();
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-as-run]").addEventListener("click", () => {
    newest += 1;
    clearTimeout(timer);
    set(rule);
    asRun({ edges, overview });
    flow.update([sankey(overview.levels)]);
    flow.say(ended);
    scan.show(overview.thresholds, rule);
    judge(edges.verdict);
    note.textContent = "As this job ended.";
  });
  set(rule);
  flow.say(ended);
  asRun({ edges, overview });
}

/** The form of a new job under these settings, by the names of the card's parameters. */
function asJob(href, { tau, kappa, mode, allow_isolated: isolated }) {
  const address = new URL(href);
  address.searchParams.set("p.filter", mode.value);
  address.searchParams.set("p.thresholds", tau.value);
  address.searchParams.set("p.attention_floor", kappa.value);
  address.searchParams.set("p.allow_isolated", isolated.checked);
  return address.href;
}

function asRun({ edges, overview }) {
  const count = (kind) => edges.verdict.filter((verdict) => verdict === kind).length;
  const chosen = overview.readouts.find((row) => row.name === overview.readout);
  const removed = count(2);
  figures({
    removed,
    spared: count(1),
    kept: count(0),
    val_accuracy: chosen?.val_accuracy,
    test_accuracy: chosen?.test_accuracy,
    ...(edges.adversarial ? truth(edges) : {}),
  });
}

function truth({ verdict, adversarial }) {
  const removed = verdict.filter((one) => one === 2).length;
  const bad = adversarial.filter(Boolean).length;
  const hits = verdict.filter((one, at) => one === 2 && adversarial[at]).length;
  return { precision: removed ? hits / removed : null, recall: bad ? hits / bad : null };
}

function figures(answer) {
  const shown = [
    ["Removed", answer.removed],
    ["Spared", answer.spared],
    ["Kept", answer.kept],
    ["Validation accuracy", percent(answer.val_accuracy)],
    ["Test accuracy", percent(answer.test_accuracy)],
    ...("precision" in answer && answer.recall !== null
      ? [
          ["Precision", percent(answer.precision)],
          ["Recall", percent(answer.recall)],
        ]
      : []),
  ];
  document.querySelector("[data-answer]").replaceChildren(
    ...shown.map(([name, value]) => {
      const pair = document.createElement("div");
      const term = document.createElement("dt");
      const number = document.createElement("dd");
      term.textContent = name;
      number.textContent = value;
      number.dataset.figure = name;
      pair.append(term, number);
      return pair;
    }),
  );
}

/** What other thresholds would cut under the mode and the floor that are set. */
function scanChart(rows, rule) {
  const lines = (tau) => ({
    xaxis: { title: "confidence threshold τ", range: [0, 1] },
    shapes: [{ type: "line", x0: tau, x1: tau, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot", color: "#888888" } }],
  });
  const known = rows.some(({ recall }) => recall !== undefined && recall !== null);
  const drawn = chart(document.querySelector("[data-scan]"), {
    title: "What each threshold would cut",
    unit: known ? "share" : "edges",
    traces: cuts(rows, known),
    layout: lines(rule.tau),
    note: underWhich(rule),
  });
  return {
    show(newest, set) {
      drawn.update(cuts(newest, known), lines(set.tau));
      drawn.say(underWhich(set));
    },
  };
}

function cuts(rows, known) {
  const x = rows.map(({ tau }) => tau);
  return (known ? ["precision", "recall"] : ["removed"]).map((name, at) => ({
    name,
    slot: at + 1,
    x,
    y: rows.map((row) => row[name]),
    mode: "lines",
  }));
}

const underWhich = ({ mode, kappa }) => `Mode ${mode}, attention floor κ = ${kappa}.`;

const LEVELS = ["attention", "degree", "confidence"];

/** Number of suspecting levels → verdict, by which levels they are. */
function sankey(rows) {
  const names = rows.map((row) => LEVELS.filter((level) => row[level]).join(" + ") || "no level");
  const label = [...names, "kept", "spared", "removed"];
  const link = { source: [], target: [], value: [] };
  rows.forEach((row, at) => {
    ["kept", "spared", "removed"].forEach((verdict, which) => {
      if (row[verdict] > 0) {
        link.source.push(at);
        link.target.push(rows.length + which);
        link.value.push(row[verdict]);
      }
    });
  });
  const used = new Set([...link.source, ...link.target]);
  const kept = [...label.keys()].filter((at) => used.has(at));
  const move = new Map(kept.map((at, to) => [at, to]));
  const tone = (at) => ["--done", "--lost", "--failed"][at - rows.length] ?? "--muted";
  return {
    type: "sankey",
    node: { label: kept.map((at) => label[at]), color: kept.map(tone) },
    link: {
      source: link.source.map((at) => move.get(at)),
      target: link.target.map((at) => move.get(at)),
      value: link.value,
    },
  };
}
