// Sliders over hardware and line: the queueing model answers at once, the RTL on demand, and the
// model's error is told.

import { asker } from "./ask.js";
import { loadCurve } from "./kaleidoscope-curve.js";
import { figures } from "./figures.js";
import { percent, round } from "./kaleidoscope-words.js";
import { html } from "../make.js";
import { short } from "../scale.js";
import { whenSeen } from "./seen.js";

const pick = (selector) => document.querySelector(selector);
const UNITS = { cores: "", clock_mhz: " MHz", length: " bytes", gbps: " Gbit/s", fifo: " jobs" };
const PACKET = 256; // bytes, where the job's own traffic is a mix

/** @param {any} found */
export function whatIf({ job, overview }) {
  const form = pick("[data-whatif]");
  const fault = pick("[data-answer-fault]");
  const note = pick("[data-answer-note]");
  const verified = pick("[data-verified]");
  const verifying = pick("[data-verify-note]");
  const button = pick("[data-verify]");
  const curve = loadCurve(overview);
  // By hand: `form.elements.length` is their number, not the slider of that name.
  const fields = Object.fromEntries([...form.elements].filter(({ name }) => name).map((field) => [field.name, field]));
  let newest = {}; // what is asked; it can be verified once the model has answered it
  let model = null; // that answer

  const put = asker(job, "load", {
    show(answer, seconds, set) {
      model = answer;
      button.disabled = false;
      fault.textContent = "";
      note.textContent = `The queueing model answered in ${seconds.toFixed(2)} s.`;
      tell(answer, set);
      curve.show(answer);
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No answer: ${words}.`;
    },
  });

  const check = asker(job, "verify", {
    show(answer, seconds, set) {
      if (set !== newest) return; // the sliders stand elsewhere by now
      button.disabled = false;
      verifying.textContent = `${answer.cycles.toLocaleString("en")} cycles of RTL in ${round(answer.seconds)} s; answered in ${seconds.toFixed(2)} s.`;
      beside(answer);
      curve.verified(model, answer);
    },
    fail(words) {
      button.disabled = false;
      verifying.textContent = `Not verified: ${words}.`;
    },
  });

  function values() {
    const { every_packet: every, ...sliders } = fields;
    const numbers = Object.entries(sliders).map(([name, { value }]) => [name, Number(value)]);
    return { ...Object.fromEntries(numbers), every_packet: every.checked };
  }

  function say() {
    for (const [name, unit] of Object.entries(UNITS)) form.querySelector(`[data-told="${name}"]`).textContent = fields[name].value + unit;
    form.querySelector('[data-told="elephant_share"]').textContent = percent(Number(fields.elephant_share.value));
  }

  function ask() {
    newest = values();
    button.disabled = true;
    verified.hidden = true;
    verifying.textContent = "";
    note.textContent = "Asking the queueing model …";
    put(newest);
  }

  function tell(answer, { clock_mhz: clock }) {
    figures(pick("[data-answer]"), [
      ["Latency", `${round(answer.latency_cycles)} cycles`, `${round((answer.latency_cycles * 1000) / clock)} ns, of which ${round(answer.wait_cycles)} cycles wait`],
      ["Loss", percent(answer.loss)],
      ["Served", `${round(answer.served_gbps)} Gbit/s`, `${short(answer.throughput_mpps)} million verdicts a second`],
      ["Use of the cores", percent(answer.utilisation)],
      ["Cores needed", String(answer.cores_needed), "without loss"],
    ]);
  }

  function beside(rtl) {
    const rows = [
      ["Latency, cycles", round, "latency_cycles", null],
      ["Wait, cycles", round, "wait_cycles", rtl.error.wait],
      ["Loss", percent, "loss", rtl.error.loss],
      ["Served, Gbit/s", round, "served_gbps", null],
    ];
    verified.querySelector("tbody").replaceChildren(
      ...rows.map(([name, told, key, error]) => html("tr", {}, html("th", { scope: "row" }, name), html("td", { class: "num" }, told(model[key])), html("td", { class: "num" }, told(rtl[key])), html("td", { class: "num" }, error === null ? "" : percent(error)))),
    );
    verified.hidden = false;
  }

  function asInJob() {
    const { hardware, load, clock_mhz: clock } = overview;
    const given = { cores: hardware.fpe, clock_mhz: clock, length: PACKET, gbps: load.offered_gbps, contexts: hardware.contexts, fifo: hardware.mouse_fifo, elephant_share: 0 };
    for (const [name, value] of Object.entries(given)) {
      if (name in UNITS) fields[name].max = Math.max(fields[name].max, value);
      fields[name].value = value;
    }
    fields.every_packet.checked = false;
    say();
  }

  form.addEventListener("input", () => {
    say();
    ask();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  pick("[data-as-run]").addEventListener("click", () => {
    asInJob();
    ask();
  });
  button.addEventListener("click", () => {
    button.disabled = true;
    verifying.textContent = "Running the RTL under this load …";
    check(newest);
  });
  asInJob();
  whenSeen(form, ask)(0);
}
