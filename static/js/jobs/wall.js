// The wall of charts: every series, searched, pinned ones first, at most 24 drawn at once.

import { chart } from "../charts.js";
import { feed } from "./feed.js";
import { layout, traces } from "./traces.js";

const MOUNTED = 24;
const box = document.querySelector("[data-wall]");
const none = document.querySelector("[data-no-curves]");
const count = document.querySelector("[data-wall-count]");
const back = document.querySelector("[data-wall-back]");
const on = document.querySelector("[data-wall-on]");
const fault = document.querySelector("[data-wall-fault]");
const search = document.getElementById("wall-search");
const axis = document.getElementById("wall-axis");
const weight = document.getElementById("wall-smooth");
const log = document.getElementById("wall-log");
const units = JSON.parse(document.getElementById("series-units").textContent);

// What the address says of the look, so that a link shows others the same; unsaid where usual.
const USUAL = { q: "", x: "step", smooth: "0", log: "" };
const SETTLED = 250; // ms without a change before the address follows
let settling = 0;

const PINS = "tenfold.pinned-series"; // a person's own, in this browser
const pinned = new Set(JSON.parse(localStorage.getItem(PINS) ?? "[]"));
const mounted = new Map(); // key -> {figure, drawn}
let first = 0;

const source = feed();

/** The method's own series first, then its baselines', then the machine's. */
const rank = (key) => (key.startsWith("system.") ? 2 : key.startsWith("baseline.") ? 1 : 0);

const AXES = [...axis.options].map((option) => option.value);
const EXPECTED = {
  x: [(text) => AXES.includes(text), `one of ${AXES.join(", ")}`],
  smooth: [(text) => /^(0|0?\.\d+)$/.test(text) && Number(text) <= Number(weight.max), `a number from 0 to ${weight.max}`],
  log: [(text) => ["", "0", "1"].includes(text), "0 or 1"],
};

/** What it says wrongly is told, and is as usual. */
function readAddress() {
  const said = { ...USUAL, ...Object.fromEntries(new URLSearchParams(location.search)) };
  const faults = [];
  for (const [name, [fits, expected]] of Object.entries(EXPECTED)) {
    if (fits(said[name])) continue;
    faults.push(`${name}: expected ${expected}, got ${said[name].slice(0, 40) || "nothing"}`);
    said[name] = USUAL[name];
  }
  search.value = said.q;
  axis.value = said.x;
  weight.value = said.smooth;
  log.checked = said.log === "1";
  if (faults.length) fault.textContent = `In the address: ${faults.join("; ")}.`;
}

function words(shown, all) {
  if (all > shown) return `${first + 1} to ${first + shown} of ${all} series`;
  if (all === 0 && search.value) return `No series has “${search.value}” in its name`;
  return all === 0 ? "" : `${all} series`;
}

function writeAddress() {
  const address = new URL(location.href);
  const now = { q: search.value, x: axis.value, smooth: weight.value, log: log.checked ? "1" : "" };
  for (const [name, value] of Object.entries(now)) {
    if (value === USUAL[name]) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  history.replaceState(history.state, "", address);
}

function keys() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return [...source.series.keys()]
    .filter((key) => words.every((word) => key.toLowerCase().includes(word)))
    .sort((a, b) => pinned.has(b) - pinned.has(a) || rank(a) - rank(b) || a.localeCompare(b));
}

function look() {
  const origin = Math.min(...[...source.series.values()].map((one) => one.wall[0] ?? Infinity));
  return { job: source.about.id, axis: axis.value, weight: Number(weight.value), log: log.checked, origin };
}

function pin(key) {
  if (!pinned.delete(key)) pinned.add(key);
  localStorage.setItem(PINS, JSON.stringify([...pinned]));
  first = 0;
  arrange();
}

function mount(key) {
  const figure = document.createElement("figure");
  figure.dataset.series = key;
  box.append(figure);
  const now = look();
  const drawn = chart(figure, {
    title: key,
    unit: units[key] ?? "",
    traces: traces(key, source.series.get(key), now),
    layout: layout(now),
  });
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small";
  button.addEventListener("click", () => pin(key));
  figure.querySelector(".chart-actions").prepend(button);
  return { figure, drawn, button };
}

/** Which charts are there, and in what order. */
function arrange() {
  const all = keys();
  first = Math.max(0, Math.min(first, all.length - 1));
  const shown = all.slice(first, first + MOUNTED);
  for (const [key, { figure, drawn }] of mounted) {
    if (shown.includes(key)) continue;
    drawn.destroy();
    figure.remove();
    mounted.delete(key);
  }
  for (const key of shown) {
    if (!mounted.has(key)) mounted.set(key, mount(key));
    const { figure, button } = mounted.get(key);
    button.textContent = pinned.has(key) ? "Unpin" : "Pin";
    button.setAttribute("aria-pressed", String(pinned.has(key)));
    box.append(figure); // moves it to its place
  }
  const last = first + shown.length;
  count.textContent = words(shown.length, all.length);
  back.hidden = first === 0;
  on.hidden = last >= all.length;
  none.hidden = source.series.size > 0;
}

function draw(changed) {
  const now = look();
  for (const key of changed) {
    const series = source.series.get(key);
    const chartOf = mounted.get(key)?.drawn;
    if (chartOf) chartOf.update(series ? traces(key, series, now) : [], layout(now));
  }
}

readAddress();
source.withSeries();
source.on("reset", () => {
  arrange();
  draw(mounted.keys());
});
source.on("points", (changed) => {
  if (changed.some((key) => !mounted.has(key))) arrange();
  draw(changed);
});
search.addEventListener("input", () => {
  first = 0;
  arrange();
});
for (const control of [axis, weight, log]) {
  control.addEventListener("input", () => draw([...mounted.keys()]));
}
for (const control of [search, axis, weight, log]) {
  control.addEventListener("input", () => {
    clearTimeout(settling);
    settling = setTimeout(writeAddress, SETTLED);
  });
}
back.addEventListener("click", () => {
  first = Math.max(0, first - MOUNTED);
  arrange();
});
on.addEventListener("click", () => {
  first += MOUNTED;
  arrange();
});
