// The ledger of all edges: filtered, sorted and paged in the page; a node's number walks to it.

import { names } from "./gagn-names.js";

const SIZE = 25;
const VERDICTS = ["kept", "spared", "removed"];
const COLUMNS = [
  ["u", "Node"],
  ["v", "Node"],
  ["alpha_uv", "Attention u→v"],
  ["alpha_vu", "Attention v→u"],
  ["share", "× uniform"],
  ["e_u", "Degree excess u"],
  ["e_v", "Degree excess v"],
  ["c_uv", "Confidence"],
  ["levels", "Suspected by"],
  ["verdict", "Verdict"],
  ["adversarial", "Edge"],
];

const suspects = (bits) =>
  ["attention", "degree", "confidence"].filter((_, at) => bits & (1 << at)).join(", ") || "none";

/**
 * @param {any} found
 * @param {(node: number) => void} walk
 */
export function ledger({ nodes, edges }, walk) {
  const called = names(nodes);
  const form = document.querySelector("[data-ledger-form]");
  const table = document.querySelector("[data-ledger]");
  const columns = COLUMNS.filter(([key]) => edges[key] !== null);
  const state = { key: "c_uv", down: false, page: 0, verdict: edges.verdict };

  for (const part of form.querySelectorAll("[data-truth]")) part.hidden = edges.adversarial === null;

  const value = (key, edge) => (key === "verdict" ? state.verdict[edge] : edges[key][edge]);

  function chosen() {
    const { verdict, truth } = form.elements;
    const bits = [...form.querySelectorAll("[name=level]:checked")].reduce((sum, box) => sum + Number(box.value), 0);
    const rows = [];
    for (let edge = 0; edge < edges.u.length; edge++) {
      if (verdict.value !== "" && state.verdict[edge] !== Number(verdict.value)) continue;
      if (truth.value !== "" && edges.adversarial[edge] !== Number(truth.value)) continue;
      if ((edges.levels[edge] & bits) !== bits) continue;
      rows.push(edge);
    }
    const sign = state.down ? -1 : 1;
    return rows.sort((a, b) => sign * (value(state.key, a) - value(state.key, b)));
  }

  function show() {
    const rows = chosen();
    const pages = Math.max(1, Math.ceil(rows.length / SIZE));
    state.page = Math.min(Math.max(0, state.page), pages - 1);
    const from = state.page * SIZE;
    document.querySelector("[data-ledger-count]").textContent = rows.length
      ? `${from + 1} to ${Math.min(rows.length, from + SIZE)} of ${rows.length} edges`
      : "No edge fits.";
    table.tBodies[0].replaceChildren(...rows.slice(from, from + SIZE).map(line));
    for (const button of document.querySelectorAll("[data-ledger-page]")) {
      const next = state.page + Number(button.dataset.ledgerPage);
      button.disabled = next < 0 || next >= pages;
    }
    for (const head of table.tHead.rows[0].cells) {
      if (head.dataset.key === state.key) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  function line(edge) {
    const row = document.createElement("tr");
    for (const [key] of columns) {
      const cell = row.insertCell();
      const here = value(key, edge);
      if (key === "u" || key === "v") cell.append(walker(here));
      else if (key === "levels") cell.textContent = suspects(here);
      else if (key === "verdict") cell.textContent = VERDICTS[here];
      else if (key === "adversarial") cell.textContent = here ? "adversarial" : "honest";
      else cell.textContent = here.toFixed(3);
      if (typeof edges[key][edge] === "number" && key.length !== 1 && /_|share/.test(key)) cell.className = "num";
    }
    return row;
  }

  function walker(node) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain walk";
    button.textContent = called.node(node);
    button.addEventListener("click", () => walk(node));
    return button;
  }

  for (const [key, title] of columns) {
    const head = document.createElement("th");
    head.scope = "col";
    head.dataset.key = key;
    if (/_|share/.test(key)) head.className = "num";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = title;
    button.addEventListener("click", () => {
      state.down = state.key === key ? !state.down : true;
      state.key = key;
      state.page = 0;
      show();
    });
    head.append(button);
    table.tHead.rows[0].append(head);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    state.page = 0;
    show();
  });
  for (const button of document.querySelectorAll("[data-ledger-page]")) {
    button.addEventListener("click", () => {
      state.page += Number(button.dataset.ledgerPage);
      show();
    });
  }
  show();
  return {
    judge(verdict) {
      state.verdict = verdict;
      show();
    },
  };
}
