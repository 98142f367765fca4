// The test flows: filtered by label, capture and being wrong; one is chosen.

import { html } from "../make.js";
import { rove } from "../rove.js";
import { known } from "./kaleidoscope-words.js";
import { counted } from "./say.js";

/**
 * @param {{capture: string[], flows: any[]}} found
 * @param {(flow: number) => void} choose
 */
export function flowList({ capture, flows }, choose) {
  const form = document.querySelector("[data-flow-filter]");
  const table = document.querySelector("[data-flows]");
  const told = document.querySelector("[data-flow-count]");
  const { class: label, capture: file, wrong } = form.elements;
  const rows = rove(table, (flow) => choose(Number(flow)));
  let now = -1;

  const labels = [...new Set(flows.map((flow) => flow.label).filter(known))].sort();
  label.append(...labels.map((name) => new Option(name)));
  file.append(...capture.map((name, at) => new Option(name, at)));

  function fits(flow) {
    if (label.value && flow.label !== label.value) return false;
    if (file.value && flow.c !== Number(file.value)) return false;
    return !wrong.checked || flow.right === false;
  }

  function line(flow, at) {
    const { label: truth, answer, right, float, l4, src, sport, dst, dport, cycles, c } = flow;
    return html(
      "tr",
      { "data-row": at },
      html("th", { scope: "row" }, html("button", { type: "button", class: "plain walk" }, String(at))),
      html("td", { class: "mono" }, `${l4} ${src}:${sport}`),
      html("td", { class: "mono" }, `${dst}:${dport}`),
      html("td", {}, truth ?? "–"),
      html("td", { class: right === false && "wrong" }, right === false ? `✗ ${answer}` : answer),
      html("td", {}, float ?? "–"),
      html("td", { class: "num" }, cycles === null ? "–" : String(cycles)),
      html("td", {}, capture[c]),
    );
  }

  function show() {
    const kept = flows.map((flow, at) => [flow, at]).filter(([flow]) => fits(flow));
    table.tBodies[0].replaceChildren(...kept.map(([flow, at]) => line(flow, at)));
    told.textContent = kept.length ? `${kept.length} of ${counted(flows.length, "flow")}` : "No flow fits.";
    rows.mark(now);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", show);
  show();
  return {
    show(flow) {
      now = flow;
      rows.mark(flow);
    },
  };
}
