// Traces of many channels on a canvas, as on the paper of an electroencephalograph.
//
//   const paper = new Paper(canvas);
//   paper.look({ gain: 50, up: -1 });          // µV from line to line; −1: negative is up
//   paper.show({ start, sfreq, channels, signal, guess, hidden, bad, windows, seconds });
//   paper.mark(from, to);                      // a stretch that is lifted out
//   canvas.addEventListener("pick", ({ detail: { time, channel, part } }) => …);
//   canvas.addEventListener("hover", ({ detail }) => …);   // {time, channel, value} or null
//
// Each line is drawn around its median. `part` is "name", "head" (the strip of windows) or "trace".

import { drawPaper } from "./cbramod-ink.js";

const ROW = { least: 13, most: 64, all: 560, few: 160 }; // px of a line, and of all lines together
const EDGE = { top: 20, bottom: 22, right: 58 };
const FONT = 11;

export class Paper {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.page = null;
    this.gain = 50;
    this.up = -1;
    this.marked = null;
    this.frame = 0;
    new ResizeObserver(() => this.schedule()).observe(canvas);
    document.addEventListener("themechange", () => this.schedule());
    canvas.addEventListener("click", (event) => {
      const spot = this.page && this.#spot(event);
      if (spot) this.#tell("pick", spot);
    });
    canvas.addEventListener("pointermove", (event) => {
      const spot = this.page && this.#spot(event);
      this.#tell("hover", spot?.part === "trace" ? { ...spot, value: this.#value(spot) } : null);
    });
    canvas.addEventListener("pointerleave", () => this.#tell("hover", null));
  }

  look({ gain = this.gain, up = this.up }) {
    Object.assign(this, { gain, up });
    this.schedule();
  }

  show(page) {
    this.page = { guess: null, hidden: null, bad: [], windows: [], ...page };
    this.middle = page.signal.map(median);
    const count = page.channels.length;
    const row = Math.max(ROW.least, ROW.few / count, Math.min(ROW.most, ROW.all / count));
    this.canvas.style.blockSize = `${Math.round(row * count) + EDGE.top + EDGE.bottom}px`;
    this.schedule();
  }

  mark(from, to) {
    this.marked = from === null ? null : [from, to];
    this.schedule();
  }

  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!this.page || !width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = `${FONT}px ${getComputedStyle(canvas).fontFamily}`;
    const names = Math.max(...this.page.channels.map((name) => pen.measureText(name).width));
    this.box = {
      left: Math.ceil(names) + 12,
      right: width - EDGE.right,
      top: EDGE.top,
      bottom: height - EDGE.bottom,
      width,
      height,
    };
    drawPaper(pen, this);
  }

  /** Seconds of this page → px. */
  x(time) {
    const { left, right } = this.box;
    return left + ((time - this.page.start) / this.page.seconds) * (right - left);
  }

  row() {
    return (this.box.bottom - this.box.top) / this.page.channels.length;
  }

  line(channel) {
    return this.box.top + (channel + 0.5) * this.row();
  }

  /** A value in µV of a channel → px. */
  y(channel, value) {
    return this.line(channel) - (this.up * (value - this.middle[channel]) * this.row()) / this.gain;
  }

  #spot(event) {
    if (!this.box) return null;
    const at = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - at.left, event.clientY - at.top];
    const { left, right, top, bottom } = this.box;
    const { channels, start, seconds } = this.page;
    const channel = Math.min(channels.length - 1, Math.max(0, Math.floor((y - top) / this.row())));
    const time = start + ((x - left) / (right - left)) * seconds;
    if (y > bottom || x > right) return null;
    if (x < left) return y < top ? null : { part: "name", channel, time };
    return { part: y < top ? "head" : "trace", channel, time };
  }

  #value({ channel, time }) {
    const { signal, sfreq, start } = this.page;
    return signal[channel][Math.floor((time - start) * sfreq)] ?? null;
  }

  #tell(kind, detail) {
    this.canvas.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted.length ? sorted[sorted.length >> 1] : 0;
}

export const GAINS = [2, 5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000, 2000];
const OVERLAP = { from: 30, most: 2 }; // channels, and lines that a trace may take
const TAIL = 0.02; // of the samples of a channel, at each end, that do not count

/** The least gain at which half of the channels stay within their line but for blinks; where
 * there are many, each within some lines, as narrow ones would show nothing. */
export function fittingGain(signal) {
  const spreads = signal.map((values) => {
    const sorted = Float64Array.from(values).sort();
    const cut = Math.floor(TAIL * sorted.length);
    return sorted[sorted.length - 1 - cut] - sorted[cut];
  });
  const lines = Math.min(OVERLAP.most, Math.max(1, signal.length / OVERLAP.from));
  return GAINS.find((gain) => gain * lines >= median(spreads)) ?? GAINS.at(-1);
}
