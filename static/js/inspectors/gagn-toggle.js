// "What if this agent had another edge?": asked of the job's own agents.

import { live } from "../live.js";
import { judged, names } from "./gagn-names.js";

const share = (value) => (value === null ? "–" : value.toFixed(4));

/** @param {{job: string, nodes: any}} found */
export function toggle({ job, nodes }) {
  const called = names(nodes);
  const form = document.querySelector("[data-toggle]");
  const fault = form.querySelector("[data-toggle-fault]");
  const told = form.querySelector("[data-toggle-answer]");
  let node = -1;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = form.elements.other.value.trim();
    const other = called.find(text);
    fault.textContent = "";
    told.replaceChildren();
    if (other === undefined || other === node) {
      fault.textContent = `toggle: expected the number of another node of this job, got ${text || "nothing"}`;
      return;
    }
    const asked = node;
    try {
      const answer = await live().ask(job, "node", { node: nodes.id[asked], toggle: nodes.id[other] });
      if (asked === node) told.replaceChildren(...words(answer, called.node(other), { called, rest: nodes.id.length - 1 }));
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

function words(answer, other, { called, rest }) {
  const { prediction, label, added, changed } = answer;
  const told = (one) => `${called.class(one)}${label < 0 ? "" : ` (${judged(one, label)})`}`;
  const line = document.createElement("p");
  line.textContent =
    `${added ? "With" : "Without"} the edge to ${other} it ${change(told(prediction), told(changed.prediction))};` +
    ` its neighbours infer a degree of ${changed.degree_inferred === null ? "nothing" : changed.degree_inferred.toFixed(1)}.`;
  const around = document.createElement("p");
  around.className = "muted";
  around.textContent = `Test accuracy changes by ${share(answer.test_accuracy_change)}. ${reach(answer, rest)}`;
  return [line, around];
}

const change = (before, after) =>
  before === after ? `still answers ${after}` : `answers ${after} instead of ${before}`;

/** How many of the other agents change their answer, and which they are. */
function reach({ others_changed: named, others_changed_left_out: unnamed }, rest) {
  const count = named.length + unnamed;
  const all = `of the ${rest} other agents`;
  if (count === 0) return `None ${all} changes its answer.`;
  if (count === 1) return `1 ${all} changes its answer: node ${named[0]}.`;
  return `${count} ${all} change their answer: nodes ${named.join(", ")}${unnamed ? ` and ${unnamed} more` : ""}.`;
}
