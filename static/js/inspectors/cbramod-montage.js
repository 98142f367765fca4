// Where the electrodes are, and how strong each rhythm is at them, by class.

import { asker } from "./ask.js";
import { chart } from "../charts.js";
import { html } from "../make.js";
import { colourBar, extent, scale } from "../scale.js";
import { montage, topomap } from "../topomap.js";

const pick = (selector) => document.querySelector(selector);
const MAINS = [50, 60]; // Hz
const PSD_UNIT = "dB re 1 µV²/Hz";
const mean = (rows) => rows[0].map((_, at) => rows.reduce((sum, row) => sum + row[at], 0) / rows.length);

/** @param {any} found */
export function electrodes({ job, overview }) {
  where(overview);
  spectra(job, overview);
  rhythms(overview);
}

function where({ channels, topography }) {
  const note = pick("[data-unplaced]");
  if (topography === null) {
    pick("[data-montage]").hidden = true;
    note.textContent = `Fewer than four of these channels have a place on the head that is known by name, so there are no maps: ${channels.join(", ")}.`;
    return;
  }
  montage(pick("[data-montage]"), { channels, topography }, "Electrodes");
  const { unplaced } = topography;
  note.textContent = unplaced.length
    ? `Without a place on the head that is known by name, and on no map: ${unplaced.join(", ")}.`
    : "Every channel has its place. The head is seen from above, nose up.";
}

function spectra(job, { channels, psd, recordings }) {
  const form = pick("[data-psd-form]");
  const fault = pick("[data-psd-fault]");
  const { channel, recording } = form.elements;
  channel.append(...channels.map((name, at) => new Option(name, at)));
  recording.append(...recordings.map(({ name }) => new Option(name, name)));
  let beside = null; // the spectrum of one recording

  const curve = (table) => (channel.value === "" ? mean(table) : table[Number(channel.value)]);

  function traces() {
    const all = psd.groups.map((name, at) => ({ name: name === "all" ? "all windows" : name, slot: (at % 7) + 1, mode: "lines", x: psd.hz, y: curve(psd.db[at]) }));
    if (beside) all.push({ name: beside.name, slot: 8, mode: "lines", x: beside.hz, y: curve(beside.db), line: { dash: "dot" } });
    return all;
  }

  const line = (hz) => ({ type: "line", x0: hz, x1: hz, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot", color: "#888888" } });
  const word = (hz) => ({ x: hz, yref: "paper", y: 1, yanchor: "top", xanchor: "left", text: `${hz}`, showarrow: false, font: { size: 10, color: "#888888" } });
  const mains = MAINS.filter((hz) => hz <= psd.hz.at(-1));
  const layout = { xaxis: { title: "frequency, Hz" }, shapes: mains.map(line), annotations: mains.map(word) };
  const drawn = chart(pick("[data-psd]"), { title: "Spectrum", unit: PSD_UNIT, traces: traces(), layout });
  const say = () =>
    drawn.say(`${channel.value === "" ? "Mean of all channels" : channels[Number(channel.value)]}. Dotted: the mains at 50 and 60 Hz.`);

  const ask = asker(job, "spectrum", {
    show(answer, _, { recording: name }) {
      fault.textContent = "";
      beside = { name, ...answer };
      drawn.update(traces());
    },
    fail(words) {
      fault.textContent = `No spectrum: ${words}.`;
    },
  });

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    say();
    if (target === recording && recording.value !== "") ask({ recording: recording.value });
    else {
      if (recording.value === "") beside = null;
      drawn.update(traces());
    }
  });
  say();
}

/** One row of maps for each class, one column for each band; a band has one scale in all rows. */
function rhythms({ channels, topography, bands, psd }) {
  const part = pick("[data-bands-part]");
  part.hidden = topography === null;
  if (part.hidden) return;
  const place = { channels, topography };
  const decibels = bands.values.map((group) => group.map((band) => band.map((value) => 10 * value)));
  const range = bands.names.map((_, band) => extent(decibels.flatMap((group) => group[band])));
  const title = (band) => `${bands.names[band]}, ${bands.edges[band].join(" to ")} Hz`;
  const row = (words, box) => {
    const maps = html("div", { class: "maps" });
    const heading = html("h3", {}, words);
    pick(box).append(html("div", { class: "map-row stack" }, heading, maps));
    const add = (look) => {
      const element = html("figure");
      maps.append(element);
      return topomap(element, place, { actions: false, ...look });
    };
    return { heading, add };
  };

  psd.groups.forEach((group, at) => {
    const { add } = row(`Power of the rhythms${group === "all" ? "" : `, ${group}`}: dB re 1 µV²`, "[data-bands]");
    bands.names.forEach((_, band) => {
      add({ title: title(band), unit: "dB" }).show(decibels[at][band], { range: range[band] });
    });
  });
  pick("[data-bands-table]").append(html("div", { class: "table" }, numbers(channels, psd.groups, bands.names, decibels)));
  if (psd.groups.length < 2) return;

  const form = pick("[data-bands-form]");
  const { a, b } = form.elements;
  for (const one of [a, b]) one.replaceChildren(...psd.groups.map((name, at) => new Option(name, at)));
  a.selectedIndex = 1;
  form.hidden = false;
  const { heading, add } = row("", "[data-difference]");
  const maps = bands.names.map((_, band) => add({ title: title(band), unit: "dB", diverging: true, bar: false }));
  const bar = html("div");
  pick("[data-difference]").append(bar);

  function difference() {
    const [first, second] = [Number(a.value), Number(b.value)];
    heading.textContent = `Difference of the rhythms: ${psd.groups[first]} minus ${psd.groups[second]}`;
    const values = bands.names.map((_, band) => decibels[first][band].map((value, at) => value - decibels[second][band][at]));
    const common = extent(values.flat(), { diverging: true });
    maps.forEach((map, band) => map.show(values[band], { range: common }));
    bar.replaceChildren(colourBar(scale(common, { diverging: true }), "dB"));
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", difference);
  document.addEventListener("themechange", difference);
  difference();
}

/** What the maps show, by channel. */
function numbers(channels, groups, bands, decibels) {
  const named = groups.flatMap((group) => bands.map((band) => (groups.length > 1 ? `${group}, ${band}` : band)));
  const head = html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Channel"), ...named.map((name) => html("th", { scope: "col", class: "num" }, name))));
  const rows = channels.map((name, channel) =>
    html("tr", {}, html("th", { scope: "row" }, name), ...decibels.flat().map((band) => html("td", { class: "num" }, band[channel].toFixed(1)))),
  );
  return html("table", { class: "numbers" }, html("caption", {}, "Power in each band, dB re 1 µV²"), head, html("tbody", {}, ...rows));
}
