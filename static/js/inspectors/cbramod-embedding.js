// All windows as the network sees them, coloured by what one wants to know; a click chooses one.

import { Network } from "../network.js";
import { SLOTS, colour, faint, series } from "../palette.js";
import { html } from "../make.js";
import { colourBar, extent, scale } from "../scale.js";

const pick = (selector) => document.querySelector(selector);
const MOST_NAMED = 24; // in a legend; with more, colours repeat and say little

/** Into −1…1, one unit for both directions. */
function places(windows) {
  const ends = [windows.x, windows.y].map((values) => [Math.min(...values), Math.max(...values)]);
  const half = Math.max(...ends.map(([low, high]) => high - low)) / 2 || 1;
  const [[left, right], [low, high]] = ends;
  return {
    x: windows.x.map((value) => (value - (left + right) / 2) / half),
    y: windows.y.map((value) => -(value - (low + high) / 2) / half),
  };
}

/**
 * @param {any} found
 * @param {(window: number) => void} choose
 */
export function embedding({ overview, windows, goal, called }, choose) {
  const { recordings, part_names: parts } = overview;
  const canvas = pick("[data-embedding]");
  const form = pick("[data-embedding-form]");
  const note = pick("[data-embedding-note]");
  const said = pick("[data-embedding-said]");
  const drawn = new Network(canvas, { ...places(windows), u: [], v: [] });
  const subjects = [...new Set(recordings.map(({ subject }) => subject))];
  let now = -1;

  /** What each window counts as, under these names (−1: none of them), or its `values`. */
  const kinds = {
    ...goal.colours,
    subject: { names: subjects, of: (window) => subjects.indexOf(called.recording(window).subject) },
    recording: { names: recordings.map(({ name }) => name), of: (window) => windows.recording[window] },
    "part in the last fold": { names: parts, of: (window) => windows.part[window] ?? -1 },
  };
  const known = ({ of, values }, window) => (values ? values[window] !== null : of(window) >= 0);
  const of = (kind, is) => windows.recording.some((_, window) => known(kind, window) === is);
  form.elements.colour.replaceChildren(...Object.keys(kinds).filter((name) => of(kinds[name], true)).map((name) => new Option(name)));

  function paint() {
    const kind = kinds[form.elements.colour.value];
    const { shade, legend } = kind.values ? graded(kind) : grouped(kind);
    const unknown = faint("--muted", 0.5);
    drawn.paint({
      nodes: (window) => (known(kind, window) ? shade(window) : unknown),
      mark: colour("--ink"),
      ground: colour("--ground"),
    });
    const grey = of(kind, false) ? [html("li", {}, html("span", { class: "dot" }), kind.values ? " not known" : " none of them")] : [];
    pick("[data-embedding-legend]").replaceChildren(...legend, ...grey);
  }

  /** Numbers on a scale. */
  function graded({ values, diverging = false, range = extent(values, { diverging }), unit }) {
    const shades = scale(range, { diverging, dots: true });
    return { shade: (window) => shades.css(values[window]), legend: [html("li", {}, colourBar(shades, unit))] };
  }

  function grouped({ names, of, judges = false }) {
    const slots = Array.from({ length: SLOTS }, (_, slot) => series(slot));
    const shades = judges ? [faint("--muted", 0.5), colour("--failed")] : slots;
    const some = names.slice(0, MOST_NAMED).map((name, at) => {
      const dot = judges ? `dot ${["", "bad"][at]}` : `dot slot-${(at % SLOTS) + 1}`;
      return html("li", {}, html("span", { class: dot }), ` ${name}`);
    });
    const more = names.length > MOST_NAMED ? [html("li", {}, `and ${names.length - MOST_NAMED} more; colours repeat`)] : [];
    return { shade: (window) => shades[of(window) % shades.length], legend: [...some, ...more] };
  }

  const words = (window) => [called.name(window), called.recording(window).subject && `subject ${called.recording(window).subject}`, called.verdict(window)].filter(Boolean).join("; ");

  function show(window) {
    note.textContent = window >= 0 ? words(window) : now >= 0 ? `${words(now)} (chosen)` : "\u00a0";
  }

  canvas.setAttribute("aria-label", `${called.count} windows`);
  canvas.addEventListener("hover", ({ detail }) => show(detail));
  canvas.addEventListener("reach", ({ detail }) => {
    show(detail);
    said.textContent = words(detail);
  });
  canvas.addEventListener("pick", ({ detail }) => {
    if (detail >= 0) choose(detail);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", paint);
  for (const one of form.querySelectorAll("[data-zoom]")) {
    one.addEventListener("click", () => (one.dataset.zoom === "0" ? drawn.whole() : drawn.zoom(Number(one.dataset.zoom))));
  }
  document.addEventListener("themechange", paint);
  const [first, second] = windows.explained.map((value) => `${Math.round(100 * value)} %`);
  pick("[data-explained]").textContent =
    `Principal components of the network's mean features: the horizontal one holds ${first} of their variance, the vertical one ${second}.`;
  paint();
  return {
    show(window) {
      now = window;
      drawn.mark(window, []);
      show(-1);
    },
  };
}
