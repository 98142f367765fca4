// The chosen window: recorded, hidden and guessed, and what the network answers before and after.

import { asker } from "./ask.js";
import { errors } from "./cbramod-errors.js";
import { hiding } from "./cbramod-hide.js";
import { Paper, fittingGain } from "./cbramod-paper.js";
import { prediction } from "./cbramod-prediction.js";
import { paperActions } from "./cbramod-save.js";
import { counted } from "./say.js";
import { short } from "../scale.js";

const pick = (selector) => document.querySelector(selector);

/**
 * @param {any} found
 * @param {(window: number) => void} choose
 */
export function windowPart(found, choose) {
  const { job, overview, windows, goal, called } = found;
  const form = pick("[data-choose]");
  const fault = pick("[data-choose-fault]");
  const note = pick("[data-window-note]");
  const refused = pick("[data-window-fault]");
  const here = pick("[data-window-here]");
  const canvas = pick("[data-window]");
  const paper = new Paper(canvas);
  const bars = prediction(found);
  const wrongs = errors(overview);
  const hide = hiding(overview, () => ask());
  let now = -1;
  let shown = null;

  const put = asker(job, "window", {
    show(answer, seconds, { window }) {
      refused.textContent = "";
      if (!shown) pick("[data-window-head]").append(paperActions("The window", paper, () => called.name(now)));
      shown = answer;
      draw(answer);
      bars.show(answer, window);
      wrongs.show(answer);
      note.textContent = told(answer, seconds);
    },
    fail(words) {
      note.textContent = "";
      refused.textContent = `No answer: ${words}.`;
    },
  });

  function ask() {
    note.textContent = "Asking the network …";
    put({ window: now, ...hide.set() });
  }

  function draw({ start, sfreq, signal, hidden, reconstruction }) {
    pick("[data-guess-legend]").hidden = reconstruction === null;
    paper.look({ gain: fittingGain(signal) });
    paper.show({ start, sfreq, signal, channels: overview.channels, seconds: overview.seconds, guess: reconstruction, hidden });
    const count = hidden.flat().filter(Boolean).length;
    canvas.setAttribute(
      "aria-label",
      `${called.name(now)}: ${counted(overview.channels.length, "channel")}, ${counted(count, "hidden patch", "hidden patches")}, ${paper.gain} µV from line to line`,
    );
  }

  function told({ hidden, error, reconstruction }, seconds) {
    const all = hidden.flat();
    const count = all.filter(Boolean).length;
    const parts = [`${count} of ${counted(all.length, "patch", "patches")} hidden`];
    if (error) parts.push(`masked error ${short(error.network)} (100 µV)², of guessing nothing ${short(error.zero)}`);
    if (count && !reconstruction) parts.push("this network has no layer that guesses");
    return `${parts.join("; ")}. Negative is up, ${paper.gain} µV from line to line. Answered in ${seconds.toFixed(2)} s.`;
  }

  canvas.addEventListener("pick", ({ detail: { part, channel, time } }) => {
    if (part === "name") hide.flipChannel(channel);
    else hide.flipSecond(Math.min(overview.seconds - 1, Math.floor(time - shown.start)));
  });
  canvas.addEventListener("hover", ({ detail }) => {
    if (!detail || detail.value === null) {
      here.textContent = "\u00a0";
      return;
    }
    const { channel, time, value } = detail;
    const at = Math.floor((time - shown.start) * shown.sfreq);
    const isHidden = shown.hidden[channel][Math.floor(time - shown.start)];
    const guess = isHidden && shown.reconstruction ? `, guessed ${shown.reconstruction[channel][at]} µV` : "";
    here.textContent = `${overview.channels[channel]} at ${time.toFixed(2)} s: ${value} µV${guess}`;
  });

  const { recording, number } = form.elements;
  recording.replaceChildren(...overview.recordings.map(({ name }) => new Option(name)));

  function byNumber() {
    const some = called.of[recording.selectedIndex];
    const window = some[Number(number.value) - 1];
    fault.textContent = "";
    if (window === undefined) {
      const got = number.value || "nothing";
      fault.textContent = some.length
        ? `window: expected a number from 1 to ${some.length} for this recording, got ${got}`
        : "window: this recording has none";
    } else choose(window);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    byNumber();
  });
  recording.addEventListener("change", () => {
    number.value = 1;
    byNumber();
  });
  for (const one of form.querySelectorAll("[data-step]")) {
    one.addEventListener("click", () => choose((now + Number(one.dataset.step) + called.count) % called.count));
  }
  const doubtful = form.querySelector("[data-doubtful]");
  doubtful.textContent = goal.doubtful.title;
  doubtful.hidden = goal.doubtful.none;
  doubtful.addEventListener("click", () => choose(goal.doubtful.next(now)));

  return {
    show(window) {
      now = window;
      fault.textContent = "";
      recording.selectedIndex = windows.recording[window];
      number.value = called.number(window);
      number.max = called.of[windows.recording[window]].length;
      const told = called.verdict(window);
      const loud = windows.loud[window] ? `; a sample of ${overview.reject} µV or more` : "";
      pick("[data-window-title]").textContent = `${called.name(window)}${told ? `: ${told}` : ""}${loud}`;
      ask();
    },
  };
}
