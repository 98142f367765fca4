// How far a guess is from what was hidden: by electrode, by channel, by band of frequencies.

import { chart } from "../charts.js";
import { topomap } from "../topomap.js";

const UNIT = "(100 µV)²";
const pick = (selector) => document.querySelector(selector);

/** Bars of a number for each channel. */
export const byChannel = (channels, series) =>
  series.map(({ name, values, slot }) => ({ type: "bar", name, slot, x: channels, y: values }));

export const CATEGORIES = { xaxis: { type: "category", tickangle: -60 } };
export const POWERS = { exponentformat: "power" }; // 20 × 10⁻⁶ (100 µV)², not 20 µ of them

/** @param {any} overview */
export function errors({ channels, topography }) {
  const none = pick("[data-error-none]");
  const figures = ["map", "channels", "bands"].map((name) => pick(`[data-error-${name}]`));
  const [mapElement, channelsElement, bandsElement] = figures;
  let drawn = null;

  function make() {
    return {
      map: topography && topomap(mapElement, { channels, topography }, { title: "Error of the guess", unit: UNIT }),
      channels: chart(channelsElement, { title: "Error by channel", unit: UNIT, traces: [], layout: { ...CATEGORIES, yaxis: POWERS } }),
      bands: chart(bandsElement, { title: "Error by band", unit: UNIT, traces: [], layout: { yaxis: POWERS } }),
    };
  }

  return {
    show({ error, reconstruction }) {
      for (const element of figures) element.hidden = error === null;
      if (topography === null) mapElement.hidden = true;
      none.hidden = error !== null;
      none.textContent = reconstruction
        ? "Nothing is hidden, so there is nothing to guess. Hide a channel, a second or a share of patches."
        : "This job has no network that learnt to guess what is hidden, so there is no error to show.";
      if (error === null) return;
      drawn ??= make();
      drawn.map?.show(error.by_channel);
      drawn.channels.update(byChannel(channels, [{ name: "network", values: error.by_channel, slot: 6 }]));
      const { names, network, zero } = error.by_band;
      drawn.bands.update(byChannel(names, [
        { name: "network", values: network, slot: 6 },
        { name: "guessing nothing", values: zero, slot: 8 },
      ]));
    },
  };
}
