// The signal browser: pages of a recording, as the network gets it.

import { GAINS, Paper, fittingGain } from "./cbramod-paper.js";
import { asker } from "./ask.js";
import { paperActions } from "./cbramod-save.js";
import { counted } from "./say.js";

const pick = (selector) => document.querySelector(selector);
const AUTO = "auto";
const MOST_TOLD = 3; // stretches by their time
const NARROW = { below: 560, seconds: "10" }; // px, where 20 s would be too dense

/**
 * @param {any} found
 * @param {(window: number) => void} choose
 */
export function browser({ job, overview, goal, called }, choose) {
  const { recordings, reject } = overview;
  const form = pick("[data-browser]");
  const canvas = pick("[data-paper]");
  const said = pick("[data-signal-said]");
  const here = pick("[data-signal-here]");
  const fault = pick("[data-signal-fault]");
  const paper = new Paper(canvas);
  const { recording, seconds, gain, up } = form.elements;
  const position = pick("[data-position]");
  let start = 0;
  let shown = null; // the newest answer
  let chosen = -1;

  recording.replaceChildren(...recordings.map(({ name }) => new Option(name)));
  gain.replaceChildren(new Option("fitting", AUTO), ...GAINS.map((one) => new Option(`${one} µV a line`, one)));

  if (canvas.clientWidth < NARROW.below) seconds.value = NARROW.seconds;

  const about = () => recordings[recording.selectedIndex];
  const span = () => Number(seconds.value);
  const last = () => Math.max(0, about().seconds - span());

  const ask = asker(job, "trace", {
    show(answer) {
      fault.textContent = "";
      if (!shown) pick("[data-signal-head]").append(paperActions("The recording", paper, () => about().name));
      shown = answer;
      look();
      paper.show({ ...answer, windows: answer.windows.map(labelled) });
      mark();
      say();
    },
    fail(words) {
      fault.textContent = `No signal: ${words}.`;
    },
  });

  function labelled({ window, start: from, ...answered }) {
    const { words, slot, wrong } = goal.mark(answered);
    return { from, to: from + overview.seconds, text: [`#${called.number(window)}`, ...words].join(", "), slot, wrong };
  }

  function look() {
    const fitting = shown ? fittingGain(shown.signal) : GAINS[5];
    gain.options[0].textContent = `fitting: ${fitting} µV a line`;
    paper.look({ gain: gain.value === AUTO ? fitting : Number(gain.value), up: up.checked ? -1 : 1 });
  }

  function go(to) {
    start = Math.min(last(), Math.max(0, to));
    position.max = Math.ceil(last());
    position.value = start;
    position.disabled = last() === 0;
    ask({ recording: about().name, start, seconds: span() });
  }

  function mark() {
    const isHere = chosen >= 0 && called.recording(chosen) === about();
    if (isHere) paper.mark(...called.span(chosen));
    else paper.mark(null);
  }

  function say() {
    const { start: from, seconds: long, channels, windows, bad } = shown;
    const where = bad.slice(0, MOST_TOLD).map(([first, end]) => `${first.toFixed(1)} to ${end.toFixed(1)} s`);
    const told = bad.length ? `, shaded: ${where.join(", ")}${bad.length > MOST_TOLD ? " …" : ""}` : "";
    const rejected = reject > 0 ? `; ${counted(bad.length, "stretch", "stretches")} of ${reject} µV or more${told}` : "";
    said.textContent =
      `${about().name}, ${called.time(from)} to ${called.time(from + long)} of ${called.time(about().seconds)} s: ` +
      `${counted(channels.length, "channel")}, ${paper.gain} µV from line to line, ${paper.up < 0 ? "negative" : "positive"} up; ` +
      `${counted(windows.length, "window")}${rejected}.` +
      (chosen >= 0 && called.recording(chosen) === about() ? ` Window ${called.number(chosen)} is chosen.` : "");
  }

  function louder(by) {
    const at = GAINS.indexOf(paper.gain) - by;
    gain.value = GAINS[Math.min(GAINS.length - 1, Math.max(0, at))];
    look();
    say();
  }

  function turn(by) {
    recording.selectedIndex = Math.min(recordings.length - 1, Math.max(0, recording.selectedIndex + by));
    go(0);
  }

  /** The window after the chosen one, or the first on this page. */
  function next() {
    if (!shown?.windows.length) return;
    const some = called.of[recording.selectedIndex];
    const follows = some.indexOf(chosen) + 1;
    choose(follows > 0 && follows < some.length ? some[follows] : shown.windows[0].window);
  }

  const keys = {
    ArrowLeft: (event) => go(start - (event.shiftKey ? 1 : span())),
    ArrowRight: (event) => go(start + (event.shiftKey ? 1 : span())),
    ArrowUp: () => turn(-1),
    ArrowDown: () => turn(1),
    Home: () => go(0),
    End: () => go(last()),
    "+": () => louder(1),
    "=": () => louder(1),
    "-": () => louder(-1),
    "−": () => louder(-1),
    Enter: next,
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key](event);
  });
  canvas.addEventListener("pick", ({ detail: { time } }) => {
    const hit = shown.windows.find(({ start: from }) => time >= from && time < from + overview.seconds);
    if (hit) choose(hit.window);
  });
  canvas.addEventListener("hover", ({ detail }) => {
    here.textContent = detail && detail.value !== null
      ? `${shown.channels[detail.channel]} at ${detail.time.toFixed(2)} s: ${detail.value} µV`
      : "\u00a0";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    if (target === recording) go(0);
    else if (target === seconds) go(start);
    else if (shown) {
      look();
      say();
    }
  });
  position.addEventListener("input", () => go(Number(position.value)));
  for (const one of form.querySelectorAll("[data-page]")) {
    one.addEventListener("click", () => go(start + Number(one.dataset.page) * span()));
  }

  return {
    /** Goes to a window where it is not in sight. */
    show(window) {
      chosen = window;
      const place = recordings.indexOf(called.recording(window));
      const [from, to] = called.span(window);
      if (place === recording.selectedIndex && shown && from >= start && to <= start + span()) {
        mark();
        say();
        return;
      }
      recording.selectedIndex = place;
      go(from - Math.max(0, span() - overview.seconds) / 2);
    },
  };
}
