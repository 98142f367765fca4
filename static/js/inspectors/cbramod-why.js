// What an answer rests on: the same window once more for each channel and each second, hidden.

import { asker } from "./ask.js";
import { CATEGORIES, POWERS, byChannel } from "./cbramod-errors.js";
import { whenSeen } from "./seen.js";
import { chart } from "../charts.js";
import { topomap } from "../topomap.js";

const pick = (selector) => document.querySelector(selector);

/** @param {any} found */
export function occlusion({ job, overview, goal, called }) {
  const { task, channels, topography } = overview;
  const { unit } = goal.occlusion;
  const part = pick("[data-occlusion]");
  const note = pick("[data-occlusion-note]");
  const fault = pick("[data-occlusion-fault]");
  part.hidden = task !== "finetune"; // a network that answers nothing rests on nothing
  if (part.hidden) return { show: () => {} };
  let drawn = null;

  function make() {
    const mapElement = pick("[data-occlusion-map]");
    mapElement.hidden = topography === null;
    return {
      map: topography && topomap(mapElement, { channels, topography }, { title: "Channel hidden", unit, diverging: true }),
      channels: chart(pick("[data-occlusion-channels]"), { title: "Channel hidden, in bars", unit, traces: [], layout: { ...CATEGORIES, yaxis: POWERS } }),
      seconds: chart(pick("[data-occlusion-seconds]"), { title: "Second hidden", unit, traces: [] }),
    };
  }

  const ask = asker(job, "occlusion", {
    show(answer, seconds, { window }) {
      fault.textContent = "";
      drawn ??= make();
      note.textContent = `${called.name(window)} is ${goal.occlusion.told(answer)} Answered in ${seconds.toFixed(2)} s.`;
      drawn.map?.show(answer.channels);
      drawn.channels.update(byChannel(channels, [{ name: "change", values: answer.channels, slot: 5 }]));
      drawn.seconds.update(
        byChannel(answer.seconds.map((_, at) => at), [{ name: "change", values: answer.seconds, slot: 5 }]),
        { yaxis: POWERS, xaxis: { title: "second of the window", dtick: Math.max(1, Math.round(answer.seconds.length / 10)) } },
      );
    },
    fail(words) {
      note.textContent = "";
      fault.textContent = `No answer: ${words}.`;
    },
  });

  return { show: whenSeen(part, (window) => ask({ window })) };
}
