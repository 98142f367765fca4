// What is hidden from the network, and how else its window is changed: the controls of a what-if.

import { short } from "../scale.js";
import { toggles } from "./cbramod-toggles.js";
import { counted } from "./say.js";

const HALF = 0.5; // as in pre-training

/**
 * @param {any} overview
 * @param {() => void} changed
 */
export function hiding({ channels, seconds, reconstruction }, changed) {
  const form = document.querySelector("[data-hide]");
  const { both, share, scale, order } = form.elements;
  const picked = {
    channels: toggles(form.querySelector("[data-toggles=channels]"), channels, moved),
    seconds: toggles(form.querySelector("[data-toggles=seconds]"), Array.from({ length: seconds }, (_, at) => `${at}`), moved),
  };
  let draw = 0;

  function say() {
    for (const [input, words] of [
      [share, `${Math.round(100 * Number(share.value))} %`],
      [scale, `× ${short(2 ** Number(scale.value))}`],
    ]) {
      form.querySelector(`[data-${input.name}]`).textContent = words;
      input.setAttribute("aria-valuetext", words);
    }
    form.querySelector("[data-draw]").disabled = Number(share.value) === 0 && order.value !== "shuffled";
  }

  function moved() {
    say();
    changed();
  }

  /** Nothing but this share of random patches. */
  function only(random) {
    picked.channels.clear();
    picked.seconds.clear();
    both.checked = false;
    share.value = random;
    scale.value = 0;
    order.selectedIndex = 0;
    moved();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", moved);
  form.querySelector("[data-draw]").addEventListener("click", () => {
    draw += 1;
    changed();
  });
  form.querySelector("[data-nothing]").addEventListener("click", () => only(0));
  form.querySelector("[data-as-trained]").addEventListener("click", () => only(HALF));
  share.value = reconstruction ? HALF : 0;
  say();
  form.querySelector("[data-hide-told]").textContent =
    `What is hidden does not reach the network: ${counted(channels.length, "channel")} of ${seconds} s are ${channels.length * seconds} patches.`;

  return {
    flipChannel: (at) => picked.channels.flip(at),
    flipSecond: (at) => picked.seconds.flip(at),
    set: () => ({
      channels: picked.channels.pressed().map((at) => channels[at]),
      seconds: picked.seconds.pressed(),
      both: both.checked,
      share: Number(share.value),
      draw,
      scale: 2 ** Number(scale.value),
      order: order.value,
    }),
  };
}
