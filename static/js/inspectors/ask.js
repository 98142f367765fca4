// A question asked again and again while somebody moves a control: one is under way at a time, of
// those that wait only the newest is asked, and only the newest answer is shown.

import { live } from "../live.js";

let ready = null; // a promise, kept once questions are answered or will not be

/** The page asks on its own as soon as it has the files, when the job may not have ended yet. */
function warm(job) {
  const note = document.querySelector("[data-warm]");
  if (!note) return live().warm(job).catch(() => {}); // the question itself is refused then
  if (["ready", "failed"].includes(note.dataset.warm)) return Promise.resolve();
  return new Promise((go) => document.addEventListener("warm", go, { once: true }));
}

/**
 * @param {string} job
 * @param {string} question
 * @param {{show: (answer: any, seconds: number, set: any) => void, fail: (words: string) => void}} told
 * @returns {(set: object) => void}
 */
export function asker(job, question, { show, fail }) {
  let next = null;
  let busy = false;

  async function answered(set) {
    await (ready ??= warm(job));
    const begun = performance.now();
    try {
      const answer = await live().ask(job, question, set);
      return () => show(answer, (performance.now() - begun) / 1000, set);
    } catch (fault) {
      return () => fail(fault.message);
    }
  }

  async function go() {
    busy = true;
    let tell = () => {};
    while (next) {
      const set = next;
      next = null;
      tell = await answered(set);
    }
    busy = false;
    tell();
  }

  return (set) => {
    next = set;
    if (!busy) go();
  };
}
