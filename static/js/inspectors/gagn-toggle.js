// "What if this agent had another edge?": asked of the job's own agents.

import { live } from "../live.js";

const share = (value) => (value === null ? "–" : value.toFixed(4));

/** @param {{job: string, nodes: any}} found @param {Map<number, number>} place id to position */
export function toggle({ job, nodes }, place) {
  const form = document.querySelector("[data-toggle]");
  const fault = form.querySelector("[data-toggle-fault]");
  const told = form.querySelector("[data-toggle-answer]");
  let node = -1;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = form.elements.other.value.trim();
    const other = text === "" ? undefined : place.get(Number(text));
    fault.textContent = "";
    if (other === undefined || other === node) {
      fault.textContent = `node: the number of another node of this job, got ${text || "nothing"}`;
      return;
    }
    const asked = node;
    try {
      const answer = await live().ask(job, "node", { node: asked, toggle: other });
      if (asked === node) told.replaceChildren(...words(answer, nodes, other));
    } catch (reason) {
      fault.textContent = reason.message;
    }
  });

  return {
    about(newest) {
      if (newest === node) return;
      node = newest;
      fault.textContent = "";
      told.replaceChildren();
    },
  };
}

function words({ prediction, label, changed, others_changed: others, test_accuracy_change: change, readout, shares }, nodes, other) {
  const line = document.createElement("p");
  const had = changed.neighbours.some((row) => row.node === other);
  line.textContent =
    `${had ? "With" : "Without"} the edge to ${nodes.id[other]} it answers ${changed.prediction}` +
    ` (${changed.prediction === label ? "right" : "wrong"}) instead of ${prediction}` +
    ` (${prediction === label ? "right" : "wrong"}); its neighbours infer a degree of` +
    ` ${changed.degree_inferred === null ? "nothing" : changed.degree_inferred.toFixed(1)}.`;
  const rest = document.createElement("p");
  rest.className = "muted";
  const named = others.map((position) => nodes.id[position]).join(", ");
  rest.textContent = `Test accuracy changes by ${share(change)}. ${others.length ? `Other agents that answer otherwise: ${named}.` : "No other agent answers otherwise."}`;
  return [line, rest];
}
