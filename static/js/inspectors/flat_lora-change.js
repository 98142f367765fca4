// The merged weights shaken, rounded and pruned: what it does to every variant, at once.

import { chart } from "../charts.js";
import { html } from "../make.js";
import { live } from "../live.js";
import { asker } from "./ask.js";
import { added, cell, finite, headed, known, measured, signed } from "./flat_lora-words.js";
import { counted } from "./say.js";
import { whenSeen } from "./seen.js";

const pick = (selector) => document.querySelector(selector);
const NOTHING = { sigma: 0, draw: 0, pruned: 0, bits: 32 };
const WALKS = {
  sigma: { title: "noise σ", values: [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5], axis: { title: "σ" } },
  pruned: { title: "pruning", values: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], axis: { title: "share pruned" } },
  bits: { title: "rounding", values: [32, 8, 4], axis: { title: "bits of a weight", type: "category" } },
};

/** @param {any} found */
export function change({ job, variants }) {
  const form = pick("[data-change]");
  const note = pick("[data-change-note]");
  const fault = pick("[data-change-fault]");
  const field = (name) => form.elements.namedItem(name);

  const put = asker(job, "change", {
    show(answer, seconds) {
      fault.textContent = "";
      note.textContent = `${counted(answer.rows, "test row")}, answered in ${seconds.toFixed(2)} s.`;
      table(answer.variants, variants);
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No answer: ${words}.`;
    },
  });

  const values = () => Object.fromEntries(Object.keys(NOTHING).map((name) => [name, Number(field(name).value)]));

  function say() {
    for (const name of ["sigma", "draw", "pruned"]) form.querySelector(`[data-told="${name}"]`).textContent = field(name).value;
  }

  function ask() {
    note.textContent = "Asking …";
    put(values());
  }

  form.addEventListener("input", () => {
    say();
    ask();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  pick("[data-unchanged]").addEventListener("click", () => {
    for (const [name, value] of Object.entries(NOTHING)) field(name).value = value;
    say();
    ask();
  });
  walks({ job, variants, form, values, fault });
  say();
  whenSeen(form, ask)(0);
}

function table(answers, variants) {
  const place = pick("[data-changed]");
  const told = variants.filter(({ name }) => answers[name]); // a job that runs has not come to all
  const measures = measured(told.flatMap(({ name }) => Object.values(answers[name])));
  headed(place, "Variant", ...measures.flatMap(({ title }) => [`${title} before`, "after", "Δ"]));
  place.tBodies[0].replaceChildren(
    ...told.map(({ name, title }) =>
      html(
        "tr",
        { "data-changed-of": name },
        html("th", { scope: "row" }, title),
        ...measures.flatMap(({ key, told: words }) => {
          const { before, after } = answers[name];
          const both = known(before[key]) && known(after[key]);
          return [before[key], after[key]].map((value) => cell(known(value) ? words(value) : finite(value))).concat(cell(both ? signed(after[key] - before[key]) : "–"));
        }),
      ),
    ),
  );
}

/** One setting from end to end, the others as they stand: a curve for every variant. */
function walks({ job, variants, form, values, fault }) {
  const box = pick("[data-walked]");
  const buttons = form.querySelectorAll("[data-walk]");
  let drawn = [];

  async function walk(name) {
    const { title, values: stops, axis } = WALKS[name];
    const others = values();
    const given = Object.keys(NOTHING).filter((one) => one !== name && others[one] !== NOTHING[one]).map((one) => `${one} ${others[one]}`).join(", ");
    for (const { one } of drawn) {
      one.destroy();
      one.element.remove();
    }
    drawn = [];
    const answers = [];
    for (const stop of stops) {
      const { rows, variants: told } = await live().ask(job, "change", { ...others, [name]: stop });
      answers.push(told);
      if (answers.length === 1) {
        drawn = measured(Object.values(told).flatMap(Object.values)).map(({ key, title: measure }) => {
          const note = `On ${counted(rows, "test row")}${given && `, with ${given}`}.`;
          const [what, unit] = measure.split(", ");
          const one = chart(added(box), { title: `${what} under ${title}`, unit, traces: [], layout: { xaxis: axis }, note });
          return { key, one };
        });
      }
      const x = stops.slice(0, answers.length).map((value) => (name === "bits" ? String(value) : value));
      for (const { key, one } of drawn) {
        one.update(variants.filter((variant) => told[variant.name]).map((variant) => ({ name: variant.title, slot: variant.slot, mode: "lines+markers", x, y: answers.map((answer) => answer[variant.name].after[key]) })));
      }
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", async () => {
      for (const one of buttons) one.disabled = true;
      fault.textContent = "";
      try {
        await walk(button.dataset.walk);
      } catch (refused) {
        fault.textContent = `No answer: ${refused.message}.`;
      }
      for (const one of buttons) one.disabled = false;
    });
  }
}
