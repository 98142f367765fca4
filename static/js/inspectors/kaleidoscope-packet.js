// One packet on its way: its bytes, what each layer makes of them in RTL and in the golden model, the verdict.

import { asker } from "./ask.js";
import { bytesView } from "./kaleidoscope-bytes.js";
import { logits } from "./kaleidoscope-logits.js";
import { stepsView } from "./kaleidoscope-steps.js";
import { flowName } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} found */
export function packet({ job, overview, flows: { flows } }) {
  const title = pick("[data-packet-title]");
  const note = pick("[data-packet-note]");
  const fault = pick("[data-packet-fault]");
  const first = pick("[data-first-difference]");
  const bytes = bytesView(overview);
  const steps = stepsView();
  const bars = logits(overview);

  const ask = asker(job, "packet", {
    show(answer, seconds, { flow }) {
      fault.textContent = "";
      bytes.show(answer, flow);
      steps.show(answer, flow);
      bars.show(answer);
      difference(answer);
      note.textContent = `${answer.kept} of ${overview.input_bytes} payload bytes kept. Answered in ${seconds.toFixed(2)} s.`;
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No answer: ${words}.`;
    },
  });

  /** Said only where there is RTL beside the golden model. */
  function difference({ first_difference: at, steps: all }) {
    const compared = all.some(({ rtl }) => rtl !== null);
    first.hidden = !compared && at === null;
    first.classList.toggle("ours", at === null);
    first.classList.toggle("parted", at !== null);
    first.textContent = at
      ? `First difference: ${at.step}[${at.index}], golden ${at.golden}, RTL ${at.rtl}.`
      : "RTL and golden model agree in every activation and every logit of this packet.";
  }

  return {
    show(flow) {
      const row = flows[flow];
      const judged = { true: ", right", false: `, wrong: its label is ${row.label}` }[row.right] ?? ", without a label";
      title.textContent = `${flowName(flow, row)}: ${row.answer}${judged}`;
      note.textContent = "Sending it through the network …";
      ask({ flow });
    },
  };
}
