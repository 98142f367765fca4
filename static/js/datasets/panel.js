// What the page shows of the upload under way: how far, how fast, how long still, what it waits for.

import { duration, size } from "./words.js";

const SAID = {
  reading: "Reading what has been sent already.",
  sending: "Sending.",
  storing: "Sent. The server is storing it.",
  paused: "Paused. What has arrived is kept for three days.",
};

const panel = document.querySelector("[data-progress]");
const part = (name) => panel.querySelector(`[data-${name}]`);

/** Shows the panel after this element; `deeds` are called by its buttons. */
export function open(beside, fileName, deeds) {
  beside.after(panel);
  part("file").textContent = fileName;
  part("progress-text").textContent = "";
  panel.querySelector("progress").value = 0;
  for (const [name, deed] of Object.entries(deeds)) part(name).onclick = deed;
  panel.hidden = false;
}

export function close() {
  panel.hidden = true;
}

/** @param {{phase: string, offset?: number, size?: number, speed?: number, pause?: number}} state */
export function show(state) {
  const stopped = state.phase === "paused" || state.phase === "failed";
  const button = document.activeElement;
  part("pause").hidden = stopped || state.phase === "storing";
  part("go-on").hidden = !stopped;
  if (button === part("pause") && stopped) part("go-on").focus(); // a hidden button has no focus
  if (button === part("go-on") && !stopped) part("pause").focus();
  part("progress-fault").textContent = state.fault ?? "";
  say(state.phase === "waiting" ? `The connection broke. Going on in ${duration(state.pause)}.` : SAID[state.phase] ?? "");
  if (state.offset === undefined) return;
  panel.querySelector("progress").value = state.offset / state.size;
  part("progress-text").textContent = numbers(state);
}

/** Said aloud by screen readers, so only where it changes. */
function say(words) {
  const line = part("progress-state");
  if (line.textContent !== words) line.textContent = words;
}

function numbers({ offset, size: all, speed }) {
  const words = [`${size(offset)} of ${size(all)}`];
  if (speed && offset < all) {
    words.push(`${size(speed)}/s`, `${duration((all - offset) / speed)} left`);
  }
  return words.join(" · ");
}
