// The stretch of an axis that is looked at, nearer or farther: by drag, by Ctrl with the wheel, by
// + − 0, by buttons with data-zoom. A press that is no drag is a pick.

const NEARER = 0.5;
const WHEEL = 0.005; // of the exponent, for each pixel that a wheel turns
const LINE = 20; // pixels of a wheel that counts lines
const MOVED = 4; // CSS pixels from which on a press is a drag

export class Stretch {
  /**
   * @param {[number, number]} whole
   * @param {number} least that may be looked at
   * @param {() => void} changed
   */
  constructor(whole, least, changed) {
    Object.assign(this, { least, changed });
    this.box = { left: 0, right: 1 }; // px, set by who draws
    this.set(whole);
  }

  /** Another axis, seen whole. */
  set(whole) {
    this.whole = whole;
    this.all();
  }

  all() {
    [this.from, this.to] = this.whole;
    this.changed();
  }

  x(at) {
    const { left, right } = this.box;
    return left + ((at - this.from) / (this.to - this.from)) * (right - left);
  }

  at(x) {
    const { left, right } = this.box;
    return this.from + ((x - left) / (right - left)) * (this.to - this.from);
  }

  /** @param {number} factor below 1 comes nearer @param {number} around stays where it is */
  zoom(factor, around = (this.from + this.to) / 2) {
    const length = this.to - this.from;
    const wanted = Math.min(this.whole[1] - this.whole[0], Math.max(this.least, length * factor));
    this.#look(around - ((around - this.from) / length) * wanted, wanted);
  }

  move(by) {
    this.#look(this.from + by, this.to - this.from);
  }

  /** Moves no more than is needed to see this. */
  reach(from, to) {
    if (from >= this.from && to <= this.to) return;
    const length = this.to - this.from;
    this.#look((from + to) / 2 - length / 2, length);
  }

  #look(from, length) {
    const [least, most] = this.whole;
    this.from = Math.max(least, Math.min(most - length, from));
    this.to = this.from + length;
    this.changed();
  }

  /** Whether the key means something here. */
  key(key) {
    if (key === "+" || key === "=") this.zoom(NEARER);
    else if (key === "-" || key === "−") this.zoom(1 / NEARER);
    else if (key === "0") this.all();
    else return false;
    return true;
  }

  /**
   * @param {SVGSVGElement} drawn
   * @param {(x: number, y: number) => void} pick in pixels of the drawing
   */
  hands(drawn, pick) {
    const here = (event) => {
      const box = drawn.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let press = null;
    drawn.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      press = { x: event.clientX, last: event.clientX, moved: false };
      drawn.setPointerCapture(event.pointerId);
    });
    drawn.addEventListener("pointermove", (event) => {
      if (!press || !event.buttons) return;
      press.moved ||= Math.abs(event.clientX - press.x) > MOVED;
      if (!press.moved) return;
      const scale = (this.to - this.from) / (this.box.right - this.box.left);
      this.move((press.last - event.clientX) * scale);
      press.last = event.clientX;
    });
    drawn.addEventListener("pointerup", (event) => {
      if (press && !press.moved) pick(...here(event));
      press = null;
    });
    drawn.addEventListener("pointercancel", () => (press = null));
    drawn.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return; // the page scrolls
        event.preventDefault();
        const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
        this.zoom(Math.exp(WHEEL * turned), this.at(here(event)[0]));
      },
      { passive: false },
    );
  }

  /** @param {HTMLElement} box with buttons of data-zoom: a factor, or 0 for all */
  buttons(box) {
    for (const one of box.querySelectorAll("[data-zoom]")) {
      const factor = Number(one.dataset.zoom);
      one.addEventListener("click", () => (factor ? this.zoom(factor) : this.all()));
    }
  }

  /** Round numbers on what is seen, at least `room` px apart. */
  ticks(room) {
    const { left, right } = this.box;
    const wanted = Math.max(1, ((this.to - this.from) * room) / (right - left));
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= wanted);
    const found = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) found.push(at);
    return found;
  }
}
