// Attention in one block for one window: four heads over channels, four over seconds.

import { asker } from "./ask.js";
import { chart } from "../charts.js";
import { html } from "../make.js";
import { colourBar, extent, plotlyScale, scale, short } from "../scale.js";
import { whenSeen } from "./seen.js";
import { topomap } from "../topomap.js";

const pick = (selector) => document.querySelector(selector);
const UNIFORM = "× uniform";

/** @param {any} found */
export function attention({ job, overview, called }) {
  const { channels, layers, seconds, heads, topography } = overview;
  const form = pick("[data-attention]");
  const note = pick("[data-attention-note]");
  const fault = pick("[data-attention-fault]");
  const { layer, second, channel, asker: heard } = form.elements;
  const moments = Array.from({ length: seconds }, (_, at) => at);
  let now = -1;
  let shown = null;
  let drawn = null;

  layer.replaceChildren(...Array.from({ length: layers }, (_, at) => new Option(`${at + 1} of ${layers}`, at)));
  second.append(...moments.map((at) => new Option(`second ${at}`, at)));
  channel.append(...channels.map((name) => new Option(name, name)));
  heard.append(...channels.map((name, at) => new Option(`what ${name} hears`, at)));

  const put = asker(job, "attention", {
    show(answer, took) {
      fault.textContent = "";
      shown = answer;
      drawn ??= make();
      show();
      note.textContent = `${called.name(now)}, block ${Number(layer.value) + 1}. Rows ask, columns are heard; a row sums to 1. Answered in ${took.toFixed(2)} s.`;
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No answer: ${words}.`;
    },
  });

  function ask() {
    put({
      window: now,
      layer: Number(layer.value),
      second: second.value === "" ? null : Number(second.value),
      channel: channel.value === "" ? null : channel.value,
    });
  }

  function make() {
    const figures = (box, word, names) =>
      Array.from({ length: heads }, (_, head) => {
        const element = html("figure");
        pick(box).append(element);
        return chart(element, { title: `Head ${head + 1}, ${word}`, unit: "share", traces: heat([[]], names, [0, 1]), layout: layout(names) });
      });
    const maps = Array.from({ length: topography ? heads : 0 }, (_, head) => {
      const element = html("figure");
      pick("[data-heads]").append(element);
      return topomap(element, { channels, topography }, { title: `Head ${head + 1}`, unit: UNIFORM, bar: false, actions: false });
    });
    return { spatial: figures("[data-spatial]", "channels", channels), temporal: figures("[data-temporal]", "seconds", moments), maps };
  }

  /** A channel's attention, or the mean of all that ask, as multiples of the uniform share. */
  function told(matrix) {
    const asks = heard.value === "" ? matrix : [matrix[Number(heard.value)]];
    return channels.map((_, at) => (channels.length * asks.reduce((sum, row) => sum + row[at], 0)) / asks.length);
  }

  function show() {
    const maps = shown.spatial.map(told);
    const range = extent(maps.flat());
    drawn.maps.forEach((map, head) => map.show(maps[head], { range }));
    if (topography) bar("heads", range, UNIFORM);
    for (const [kind, names] of [["spatial", channels], ["temporal", moments]]) {
      const shares = extent(shown[kind].flat(2)); // one scale for all heads
      drawn[kind].forEach((one, head) => {
        one.update(heat(shown[kind][head], names, shares));
        one.say(strongest(shown[kind][head], names));
      });
      bar(kind, shares, "of the attention");
    }
  }

  function bar(kind, range, unit) {
    pick(`[data-${kind}-bar]`).replaceChildren(colourBar(scale(range), unit));
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    if (target !== heard) ask();
    else if (shown) show();
  });
  document.addEventListener("themechange", () => shown && show());
  return {
    show: whenSeen(pick("[data-attention-part]"), (window) => {
      now = window;
      ask();
    }),
  };
}

const layout = (names) => ({
  xaxis: { title: "heard", type: "category", tickangle: typeof names[0] === "string" ? -60 : 0 },
  yaxis: { title: "asks", type: "category", autorange: "reversed" },
});

const heat = (matrix, names, [zmin, zmax]) => [{
  type: "heatmap",
  x: names,
  y: names,
  z: matrix,
  zmin,
  zmax,
  showscale: false,
  colorscale: plotlyScale("sequential"),
  hovertemplate: "%{y} hears %{x}: %{z:.3f}<extra></extra>",
}];

/** Whom all hear the most, on the mean of those who ask. */
function strongest(matrix, names) {
  const means = names.map((_, at) => matrix.reduce((sum, row) => sum + row[at], 0) / matrix.length);
  const most = means.indexOf(Math.max(...means));
  return `Heard the most: ${names[most]}, ${short(means[most] * names.length)} times the uniform share.`;
}
