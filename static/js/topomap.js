// A head from above, nose up: a number at each electrode, and the surface between them.
//
//   const map = topomap(element, { channels, topography }, { title: "Alpha", unit: "dB" });
//   map.show(values);                          // one number or null for each channel
//   map.show(values, { range: [low, high] });  // on a scale that several maps share
//
// `topography` is {x, y, size, inside, weights}: the surface is `weights · values` in the places
// `inside` of a size × size grid. Where a placed channel has no number there is no surface, and
// the electrodes alone are coloured. Whoever looks for an electrode finds its number in its title.

import { drawingActions } from "./chart-drawing.js";
import { html, svg } from "./make.js";
import { field } from "./topomap-field.js";
import { colourBar, extent, scale, short } from "./scale.js";

const VIEW = "-1.34 -1.3 2.68 2.56";
const every = new Set();
let made = 0;

export class Topomap {
  /**
   * @param {HTMLElement} element
   * @param {{channels: string[], topography: any}} place
   * @param {{title: string, unit?: string, diverging?: boolean, names?: boolean, bar?: boolean,
   *          actions?: boolean}} look
   */
  constructor(element, place, { title, unit = "", diverging = false, names = false, bar = true, actions = true }) {
    Object.assign(this, { element, place, title, unit, diverging, names, bar });
    this.values = [];
    this.id = `topomap-${++made}`;
    this.caption = html(element.tagName === "FIGURE" ? "figcaption" : "p", { class: "chart-title" });
    this.head = html("div", { class: "chart-head" }, this.caption);
    if (actions) {
      this.head.append(
        drawingActions(title, {
          name: () => this.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
          svg: () => this.drawing,
          table: () => this.rows(),
        }),
      );
    }
    this.body = html("div", { class: "topomap-body" });
    this.note = html("p", { class: "chart-note" });
    element.classList.add("topomap");
    element.replaceChildren(this.head, this.body, this.note);
    every.add(this);
  }

  /**
   * @param {(number | null)[]} values
   * @param {{range?: [number, number], title?: string, note?: string}} [how]
   */
  show(values, { range, title = this.title, note = "" } = {}) {
    Object.assign(this, { values, range, title });
    this.note.textContent = note;
    this.note.hidden = !note;
    this.draw();
  }

  rows() {
    return { columns: ["channel", this.unit || "value"], rows: this.place.channels.map((name, at) => [name, this.values[at]]) };
  }

  draw() {
    this.caption.textContent = this.title;
    const shades = scale(this.range ?? extent(this.#placed().map((at) => this.values[at]), this), this);
    this.drawing = this.#drawing(shades);
    this.body.replaceChildren(this.drawing, ...(this.bar ? [colourBar(shades, this.unit)] : []));
  }

  #placed() {
    const { x } = this.place.topography;
    return [...x.keys()].filter((at) => x[at] !== null);
  }

  #words(at) {
    return `${this.place.channels[at]}: ${short(this.values[at])} ${this.unit}`.trim();
  }

  #told() {
    const known = this.#placed().filter((at) => this.values[at] !== null);
    if (known.length === 0) return `${this.title}: no numbers`;
    known.sort((a, b) => this.values[b] - this.values[a]);
    return `${this.title}: largest at ${this.#words(known[0])}, least at ${this.#words(known.at(-1))}`;
  }

  #drawing(shades) {
    const { topography } = this.place;
    const placed = this.#placed();
    const whole = placed.every((at) => Number.isFinite(this.values[at]));
    const drawing = svg("svg", { viewBox: VIEW, role: "img", "aria-label": this.#told(), class: "head" });
    drawing.append(svg("path", { class: "outline", d: "M-1.02 -.2C-1.2 -.28 -1.2 .28 -1.02 .2M1.02 -.2C1.2 -.28 1.2 .28 1.02 .2M-.16 -.985L0 -1.18L.16 -.985" }));
    if (whole && topography.weights) {
      const { image, lines } = field(topography, this.values, shades);
      const cell = 2 / (topography.size - 1);
      const box = { x: -1 - cell / 2, y: -1 - cell / 2, width: 2 + cell, height: 2 + cell };
      drawing.append(
        svg("clipPath", { id: this.id }, svg("circle", { r: 1 })),
        svg("image", { ...box, href: image, preserveAspectRatio: "none", "clip-path": `url(#${this.id})` }),
        svg("path", { class: "isoline", d: lines, "clip-path": `url(#${this.id})` }),
      );
    }
    drawing.append(svg("circle", { class: "outline", r: 1 }));
    for (const at of placed) drawing.append(this.#electrode(at, whole, shades));
    return drawing;
  }

  #electrode(at, whole, shades) {
    const { x, y } = this.place.topography;
    const value = this.values[at];
    const dot = { class: "electrode", cx: x[at], cy: -y[at], r: this.names ? 0.088 : whole ? 0.024 : 0.06 };
    if (!whole && Number.isFinite(value)) {
      dot.class += " valued";
      dot.fill = shades.css(value);
    } else if (!whole) dot.class += " without";
    const group = svg("g", {}, svg("circle", dot), svg("title", {}, this.#words(at)));
    if (this.names) group.append(svg("text", { x: x[at], y: -y[at] + 0.027 }, this.place.channels[at]));
    return group;
  }
}

/**
 * @param {HTMLElement} element
 * @param {ConstructorParameters<typeof Topomap>[1]} place
 * @param {ConstructorParameters<typeof Topomap>[2]} look
 */
export function topomap(element, place, look) {
  return new Topomap(element, place, look);
}

/** The electrodes by name, without numbers. */
export function montage(element, { channels, topography }, title) {
  const drawn = new Topomap(element, { channels, topography: { ...topography, weights: null } }, { title, names: true, bar: false, actions: false });
  drawn.show(channels.map(() => null));
  drawn.drawing.setAttribute("aria-label", `${title}: ${channels.filter((_, at) => topography.x[at] !== null).join(", ")}`);
  for (const one of drawn.drawing.querySelectorAll("title")) one.textContent = one.textContent.replace(/: –$/, "");
  return drawn;
}

document.addEventListener("themechange", () => {
  for (const one of every) {
    if (one.element.isConnected) one.draw();
    else every.delete(one);
  }
});
