// Signals of the chosen flow over a window of cycles: asked of the simulator, looked at with a cursor.

import { drawing, onWidth } from "../drawing.js";
import { Stretch } from "../stretch.js";
import { asker } from "./ask.js";
import { drawWaves, rowAt } from "./kaleidoscope-ink.js";
import { changeFrom, told, valueAt } from "./kaleidoscope-signal.js";
import { whenSeen } from "./seen.js";
import { counted } from "./say.js";

const pick = (selector) => document.querySelector(selector);
const LEAST = 8; // cycles in sight
const MOST = 2000;

/** @param {any} found */
export function waves({ job }) {
  const element = pick("[data-waves]");
  const form = pick("[data-wave-form]");
  const note = pick("[data-wave-note]");
  const fault = pick("[data-wave-fault]");
  const { start, cycles, radix } = form.elements;
  const look = { shown: null, cursor: 0, signal: 0, radix: 16, stretch: null };
  let flow = 0;

  const picture = drawing(element, {
    title: "Signals",
    unit: "clock cycles",
    name: () => `flow-${flow}-waves`,
    table: () => ({
      columns: ["cycle", "signal", "value"],
      rows: look.shown.signals.flatMap((signal) => signal.changes.map(([cycle, value]) => [cycle, signal.name, told(signal, value, look.radix)])),
    }),
  });
  const redraw = onWidth(element, (width) => look.shown && drawWaves(picture, look, width));
  look.stretch = new Stretch([0, LEAST], LEAST, redraw);
  element.hidden = true;

  const put = asker(job, "wave", {
    show(answer, seconds, set) {
      fault.textContent = "";
      element.hidden = false;
      look.shown = answer;
      look.signal = Math.min(look.signal, answer.signals.length - 1);
      look.stretch.least = Math.min(LEAST, set.cycles);
      look.stretch.set([answer.from, answer.from + set.cycles]);
      note.textContent = `Flow ${set.flow}: ${counted(answer.signals.length, "signal")} over ${counted(set.cycles, "cycle")}, answered in ${seconds.toFixed(2)} s.`;
      move(answer.from);
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No waveforms: ${words}.`;
    },
  });

  function ask() {
    const given = { flow, start: Number(start.value), cycles: Number(cycles.value) };
    if (!Number.isInteger(given.cycles) || given.cycles < 1 || given.cycles > MOST) {
      fault.textContent = `Cycles: expected a whole number from 1 to ${MOST}, got ${cycles.value || "nothing"}.`;
      return;
    }
    if (!Number.isInteger(given.start) || given.start < 0) {
      fault.textContent = `From cycle: expected a whole number from 0 on, got ${start.value || "nothing"}.`;
      return;
    }
    note.textContent = "Simulating this window …";
    put(given);
  }

  function move(cycle) {
    const [from, to] = look.stretch.whole;
    look.cursor = Math.min(to - 1, Math.max(from, Math.floor(cycle)));
    look.stretch.reach(look.cursor, look.cursor + 1);
    const signal = look.shown.signals[look.signal];
    picture.say(`Cycle ${look.cursor}: ${signal.name} is ${told(signal, valueAt(signal, look.cursor), look.radix)}`);
    redraw();
  }

  function turn(by) {
    look.signal = Math.min(look.shown.signals.length - 1, Math.max(0, look.signal + by));
    move(look.cursor);
  }

  look.stretch.hands(picture.svg, (x, y) => {
    const row = rowAt(y);
    if (row >= 0 && row < look.shown.signals.length) look.signal = row;
    move(x < look.stretch.box.left ? look.cursor : look.stretch.at(x));
  });
  look.stretch.buttons(form);

  picture.svg.addEventListener("keydown", (event) => {
    const { key, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !look.shown) return;
    const signal = look.shown.signals[look.signal];
    if (key === "ArrowLeft" || key === "ArrowRight") move(look.cursor + (key === "ArrowLeft" ? -1 : 1) * (shiftKey ? 10 : 1));
    else if (key === "ArrowUp" || key === "ArrowDown") turn(key === "ArrowUp" ? -1 : 1);
    else if (key === "," || key === ".") move(changeFrom(signal, look.cursor, key === "," ? -1 : 1) ?? look.cursor);
    else if (key === "Home") move(look.stretch.whole[0]);
    else if (key === "End") move(look.stretch.whole[1]);
    else if (!look.stretch.key(key)) return;
    event.preventDefault();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  radix.addEventListener("change", () => {
    look.radix = Number(radix.value);
    if (look.shown) move(look.cursor);
  });

  const later = whenSeen(form, ask);
  return {
    show(which) {
      flow = which;
      later(which);
    },
  };
}
