// A text that is typed in: the classes that each variant gives it, or how it goes on.

import { html } from "../make.js";
import { asker } from "./ask.js";
import { cell, headed } from "./flat_lora-words.js";
import { share } from "./say.js";

const pick = (selector) => document.querySelector(selector);
const MOST = 8; // classes that the table has columns for

/** @param {any} found */
export function say({ job, overview, variants }) {
  if (overview.kind === "images") {
    pick("[data-say-part]").hidden = true;
    return;
  }
  const form = pick("[data-say]");
  const note = pick("[data-say-note]");
  const fault = pick("[data-say-fault]");
  pick("[data-second]").hidden = !overview.pairs;

  const put = asker(job, "say", {
    show(answer, seconds) {
      fault.textContent = "";
      const read = answer.cut ? "; of the text only as much was read as the network takes" : "";
      note.textContent = `Answered in ${seconds.toFixed(2)} s${read}.`;
      const told = variants.filter(({ name }) => name in answer.variants); // a job that runs has not come to all
      if (answer.kind === "causal") goneOn(told, answer.variants);
      else classes(told, answer.variants);
      pick("[data-said]").hidden = false;
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No answer: ${words}.`;
    },
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    note.textContent = "Asking …";
    put({ text: form.elements.text.value, text2: form.elements.text2.value });
  });
}

function goneOn(variants, answers) {
  const table = pick("[data-said] table");
  headed(table, "Variant", "Goes on");
  table.tHead.rows[0].cells[1].className = "";
  table.tBodies[0].replaceChildren(
    ...variants.map(({ name, title }) => html("tr", {}, html("th", { scope: "row" }, title), html("td", { class: "words" }, answers[name] || "ends here"))),
  );
}

/** The likeliest classes by the first variant. */
function classes(variants, answers) {
  const table = pick("[data-said] table");
  const [first] = variants;
  const names = Object.keys(answers[first.name]);
  const order = names.length > MOST ? names.sort((a, b) => answers[first.name][b] - answers[first.name][a]).slice(0, MOST) : names;
  headed(table, "Variant", "Answer", ...order);
  table.tHead.rows[0].cells[1].className = "";
  table.tBodies[0].replaceChildren(
    ...variants.map(({ name, title }) => {
      const shares = answers[name];
      const likeliest = Object.keys(shares).reduce((most, one) => (shares[one] > shares[most] ? one : most));
      return html("tr", {}, html("th", { scope: "row" }, title), html("td", {}, likeliest), ...order.map((one) => cell(share(shares[one]))));
    }),
  );
}
