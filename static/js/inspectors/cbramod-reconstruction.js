// Where the network guesses well on validation: by electrode, channel, band and second.

import { CATEGORIES, POWERS, byChannel } from "./cbramod-errors.js";
import { chart } from "../charts.js";
import { topomap } from "../topomap.js";

const UNIT = "(100 µV)²";
const pick = (selector) => document.querySelector(selector);

/** @param {any} overview */
export function reconstruction({ task, channels, topography, reconstruction: found }) {
  const told = pick("[data-reconstruction-told]");
  const figures = ["lead-map", "by-channel", "by-band", "by-second"].map((name) => pick(`[data-${name}]`));
  if (found === null) {
    for (const element of figures) element.hidden = true;
    told.textContent = "This job has no network that learnt to guess what is hidden: it was not pre-trained, or its weights came without that layer.";
    return;
  }
  const { hidden: share, by_channel: channel, by_band: band, by_second: second } = found;
  told.textContent =
    `Error over the hidden patches of validation windows, ${Math.round(100 * share)} % of them hidden` +
    (task === "finetune" ? ", by the network that the last fold's fine-tuning started from." : ".");
  const [map, channelsElement, bands, seconds] = figures;
  map.hidden = topography === null;
  if (topography) {
    const saved = channel.network.map((value, at) => (value === null || !channel.zero[at] ? null : 1 - value / channel.zero[at]));
    topomap(map, { channels, topography }, { title: "Share of the signal that it guesses", unit: "of the power", diverging: true }).show(saved);
  }
  chart(channelsElement, {
    title: "Masked error by channel",
    unit: UNIT,
    layout: { ...CATEGORIES, yaxis: POWERS },
    traces: byChannel(channels, [
      { name: "guessing nothing", values: channel.zero, slot: 8 },
      { name: "a Gaussian", values: channel.gaussian, slot: 2 },
      { name: "network", values: channel.network, slot: 6 },
    ]),
  });
  const two = ({ network, zero }, names) => byChannel(names, [
    { name: "guessing nothing", values: zero, slot: 8 },
    { name: "network", values: network, slot: 6 },
  ]);
  chart(bands, { title: "Masked error by band", unit: UNIT, traces: two(band, band.names), layout: { yaxis: POWERS } });
  chart(seconds, {
    title: "Masked error by second of the window",
    unit: UNIT,
    traces: two(second, second.network.map((_, at) => at)),
    layout: { yaxis: POWERS, xaxis: { title: "second of the window", dtick: Math.max(1, Math.round(second.network.length / 10)) } },
  });
}
