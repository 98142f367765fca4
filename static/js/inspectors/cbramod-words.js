// What recordings, windows and classes are called, and where windows lie.

import { SLOTS } from "../palette.js";

/** @param {{overview: any, windows: any}} found */
export function words({ overview, windows }) {
  const { recordings, classes, seconds } = overview;
  const count = windows.recording.length;
  const of = recordings.map(() => []); // windows of each recording, in the order of time
  for (let window = 0; window < count; window++) of[windows.recording[window]].push(window);
  for (const some of of) some.sort((a, b) => windows.start[a] - windows.start[b]);
  const time = (value) => String(Number(value.toFixed(2)));
  const judged = (window) => {
    const [label, answer] = [windows.label[window], windows.answer[window]];
    if (label === null || answer === null) return "";
    return label === answer ? "right" : "wrong";
  };
  return {
    count,
    of,
    time,
    judged,
    class: (place) => (place === null ? "unknown" : classes[place]),
    slot: (place) => (place === null ? 0 : (place % SLOTS) + 1),
    recording: (window) => recordings[windows.recording[window]],
    span: (window) => [windows.start[window], windows.start[window] + seconds],
    number: (window) => of[windows.recording[window]].indexOf(window) + 1,
    name: (window) =>
      `${recordings[windows.recording[window]].name}, ${time(windows.start[window])} to ${time(windows.start[window] + seconds)} s`,
    /** "rest, answered as task (.71): wrong" */
    verdict(window) {
      const [label, answer] = [windows.label[window], windows.answer[window]];
      const told = label === null ? "" : `label ${classes[label]}`;
      if (answer === null) return told;
      const right = judged(window);
      return [told, `answered ${classes[answer]} with ${windows.probability[window].toFixed(2)}`, right].filter(Boolean).join(", ");
    },
  };
}

export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** Three digits without the zero before the point, as shares are told. */
export const share = (value) => (value === null || value === undefined ? "–" : value.toFixed(3).replace(/^0(?=\.)/, ""));
