// A whole graph on a canvas, for thousands of nodes and hundreds of thousands of edges: drag to
// move, + and − or Ctrl with the wheel to come nearer, a click picks the nearest node. By keyboard
// the node nearest to the middle is ringed, and Enter picks it. A finger moves it once it is
// zoomed; until then it scrolls the page.
//
//   const drawn = new Network(canvas, { x, y, u, v });      // places in −1…1, edges as positions
//   drawn.paint({ nodes: (node) => "rgb(…)", edges: [{ of: [edge, …], colour, width, dash }] });
//   drawn.mark(node, [edge, …]);                             // lifted out of the rest
//   canvas.addEventListener("hover" | "reach" | "pick", ({ detail: node }) => …);
//       // under the pointer (−1: none), reached by keyboard, chosen
//
// Edges are drawn once for a view and moved as a picture while the view changes, so that a move
// costs the nodes alone; they are drawn sharp again as soon as it rests.

const MARGIN = 0.96; // share of the canvas that the whole graph takes
const NEAREST = 14; // CSS pixels within which a node is meant
const STEP = 1.4; // of one zoom
const WHEEL = 0.005; // of the exponent, for each pixel that a wheel turns
const LINE = 20; // pixels of a wheel that counts lines
const FARTHEST = 0.8;
const CLOSEST = 200;
const REST = 120; // ms without a move until edges are drawn again
const BATCH = 500; // edges of one stroke: canvases are slow with long paths
const MOVED = 4; // CSS pixels from which on a press is a drag

export class Network {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{x: number[], y: number[], u: number[], v: number[]}} graph
   */
  constructor(canvas, graph) {
    Object.assign(this, { canvas, graph });
    this.view = { x: 0, y: 0, zoom: 1 };
    this.look = { nodes: () => "gray", edges: [], mark: "black", ground: "white" };
    this.marked = { node: -1, edges: [] };
    this.over = -1;
    this.layer = document.createElement("canvas"); // the edges, as of `layerView`
    this.layerView = null;
    this.frame = 0;
    this.timer = 0;
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  paint(look) {
    Object.assign(this.look, look);
    this.layerView = null;
    this.#schedule();
  }

  mark(node, edges) {
    const moved = node !== this.marked.node;
    this.marked = { node, edges };
    if (moved && node >= 0) this.#show(node);
    this.#schedule();
  }

  /** Nearer or farther; the spot of the canvas (CSS pixels) stays where it is. */
  zoom(factor, at = { x: this.width / 2, y: this.height / 2 }) {
    const zoom = Math.min(CLOSEST, Math.max(FARTHEST, this.view.zoom * factor));
    const before = this.#place(at);
    this.view.zoom = zoom;
    const after = this.#place(at);
    this.view.x += before.x - after.x;
    this.view.y += before.y - after.y;
    this.#changed();
  }

  whole() {
    this.view = { x: 0, y: 0, zoom: 1 };
    this.#changed();
  }

  // Where things are

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.#changed(); // the edges' picture is stretched meanwhile
  }

  #scale() {
    const half = (this.view.zoom * MARGIN) / 2;
    return { x: half * this.width, y: half * this.height };
  }

  /** Where a place of the graph is on the canvas, in CSS pixels. */
  #at({ x, y }) {
    const scale = this.#scale();
    return { x: this.width / 2 + scale.x * (x - this.view.x), y: this.height / 2 + scale.y * (y - this.view.y) };
  }

  #spot(node) {
    return this.#at({ x: this.graph.x[node], y: this.graph.y[node] });
  }

  #isSeen({ x, y }, around = 0) {
    return x > -around && y > -around && x < this.width + around && y < this.height + around;
  }

  #place({ x, y }) {
    const scale = this.#scale();
    return { x: this.view.x + (x - this.width / 2) / scale.x, y: this.view.y + (y - this.height / 2) / scale.y };
  }

  /** The node nearest to a spot, or −1 where none is near. */
  nearest({ x, y }) {
    let best = -1;
    let least = NEAREST ** 2;
    for (let node = 0; node < this.graph.x.length; node++) {
      const spot = this.#spot(node);
      const far = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (far < least) [best, least] = [node, far];
    }
    return best;
  }

  /** Moves the view where a node would lie outside of it. */
  #show(node) {
    if (!this.width || this.#isSeen(this.#spot(node))) return;
    this.view.x = this.graph.x[node];
    this.view.y = this.graph.y[node];
    this.#changed();
  }

  // Drawing

  #changed() {
    this.canvas.style.touchAction = this.view.zoom > 1 ? "none" : "";
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.layerView = null;
      this.#schedule();
    }, REST);
    this.#schedule();
  }

  #schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.#draw();
    });
  }

  #draw() {
    if (window.devicePixelRatio !== this.ratio) this.#resize(); // on another screen
    if (!this.width || !this.height) return;
    if (!this.layerView) this.#drawEdges();
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = this.look.ground;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.#placeLayer(pen);
    this.#drawNodes(pen);
    this.#drawMarked(pen);
  }

  #drawEdges() {
    this.layer.width = this.canvas.width;
    this.layer.height = this.canvas.height;
    const pen = this.layer.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    for (const group of this.look.edges) this.#stroke(pen, group);
    const corner = this.#place({ x: 0, y: 0 });
    const other = this.#place({ x: this.width, y: this.height });
    this.layerView = { corner, other };
  }

  #stroke(pen, { of, colour, width = 1, dash = [] }) {
    const { u, v } = this.graph;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    for (let from = 0; from < of.length; from += BATCH) {
      pen.beginPath();
      for (const edge of of.slice(from, from + BATCH)) {
        const a = this.#spot(u[edge]);
        const b = this.#spot(v[edge]);
        if (!this.#crosses(a, b)) continue;
        pen.moveTo(a.x, a.y);
        pen.lineTo(b.x, b.y);
      }
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  #crosses(a, b) {
    return (
      Math.max(a.x, b.x) > 0 && Math.min(a.x, b.x) < this.width &&
      Math.max(a.y, b.y) > 0 && Math.min(a.y, b.y) < this.height
    );
  }

  /** The picture of the edges, moved and stretched from the view that it was drawn for. */
  #placeLayer(pen) {
    const [from, to] = [this.#at(this.layerView.corner), this.#at(this.layerView.other)];
    pen.drawImage(this.layer, from.x, from.y, to.x - from.x, to.y - from.y);
  }

  /** Few nodes, or seen from near, are drawn large. */
  #radius() {
    const crowd = Math.sqrt(this.graph.x.length / Math.max(1, this.width * this.height));
    return Math.min(7, Math.max(1.6, 0.13 / crowd) * this.view.zoom ** 0.35);
  }

  #drawNodes(pen) {
    const radius = this.#radius();
    for (let node = 0; node < this.graph.x.length; node++) {
      const spot = this.#spot(node);
      if (!this.#isSeen(spot, radius)) continue;
      pen.fillStyle = this.look.nodes(node);
      pen.beginPath();
      pen.arc(spot.x, spot.y, radius, 0, 2 * Math.PI);
      pen.fill();
    }
  }

  #drawMarked(pen) {
    const { node, edges } = this.marked;
    this.#stroke(pen, { of: edges, colour: this.look.mark, width: 1.25 });
    for (const [one, extra] of [[node, 4], [this.over, 2.5]]) {
      if (one < 0) continue;
      const { x, y } = this.#spot(one);
      pen.fillStyle = this.look.nodes(one);
      pen.strokeStyle = this.look.mark;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, this.#radius() + extra, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  }

  /** What is in view, as an SVG document. */
  svg() {
    const { u, v } = this.graph;
    const line = (edge) => {
      const [a, b] = [this.#spot(u[edge]), this.#spot(v[edge])];
      return this.#crosses(a, b) ? `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}` : "";
    };
    const groups = [...this.look.edges, { of: this.marked.edges, colour: this.look.mark, width: 1.25 }];
    const lines = groups.map(({ of, colour, width = 1, dash }) => {
      const dashes = dash ? ` stroke-dasharray="${dash.join(" ")}"` : "";
      return `<path fill="none"${shade("stroke", colour)} stroke-width="${width}"${dashes} d="${of.map(line).join("")}"/>`;
    });
    const radius = this.#radius();
    const dot = (node, size, ring = "") => {
      const spot = this.#spot(node);
      if (!this.#isSeen(spot, size)) return "";
      const place = `cx="${spot.x.toFixed(1)}" cy="${spot.y.toFixed(1)}" r="${size.toFixed(1)}"`;
      return `<circle ${place}${shade("fill", this.look.nodes(node))}${ring}/>`;
    };
    const dots = this.graph.x.map((_, node) => dot(node, radius));
    const ring = `${shade("stroke", this.look.mark)} stroke-width="2"`;
    const marked = this.marked.node < 0 ? "" : dot(this.marked.node, radius + 4, ring);
    const size = `width="${this.width}" height="${this.height}"`;
    const ground = `<rect ${size}${shade("fill", this.look.ground)}/>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${ground}${lines.join("")}${dots.join("")}${marked}</svg>`;
  }

  // Hands

  #listen() {
    const { canvas } = this;
    let from = null; // where a press began
    let moved = false;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      from = { x: event.clientX, y: event.clientY, view: { ...this.view } };
      moved = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) from = null; // it was let go elsewhere
      if (!from) return this.#hover(this.nearest(here(event)));
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      moved ||= Math.hypot(dx, dy) > MOVED;
      if (!moved) return undefined;
      const scale = this.#scale();
      this.view.x = from.view.x - dx / scale.x;
      this.view.y = from.view.y - dy / scale.y;
      return this.#changed();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from && !moved) this.#tell("pick", this.nearest(here(event)));
      from = null;
    });
    canvas.addEventListener("pointercancel", () => {
      from = null;
    });
    canvas.addEventListener("pointerleave", () => this.#hover(-1));
    canvas.addEventListener("blur", () => this.#hover(-1));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
      this.zoom(Math.exp(-WHEEL * turned), here(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#key(event.key)) event.preventDefault();
    });
  }

  #key(key) {
    if (key === "Enter") {
      this.#tell("pick", this.middle());
      return true;
    }
    const { x, y } = this.#scale();
    const far = { x: (0.1 * this.width) / x, y: (0.1 * this.height) / y };
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (key in moves) {
      this.view.x += far.x * moves[key][0];
      this.view.y += far.y * moves[key][1];
      this.#changed();
    } else if (key === "+" || key === "=") this.zoom(STEP);
    else if (key === "-" || key === "−") this.zoom(1 / STEP);
    else if (key === "0") this.whole();
    else return false;
    this.over = this.middle(); // ringed, so that one sees what Enter picks
    this.#tell("reach", this.over);
    return true;
  }

  /** The node nearest to the middle of what is seen. */
  middle() {
    const { x, y } = this.view;
    const far = (node) => (this.graph.x[node] - x) ** 2 + (this.graph.y[node] - y) ** 2;
    return this.graph.x.reduce((best, _, node) => (far(node) < far(best) ? node : best), 0);
  }

  #hover(node) {
    if (node === this.over) return;
    this.over = node;
    this.canvas.style.cursor = node < 0 ? "grab" : "pointer";
    this.#tell("hover", node);
    this.#schedule();
  }

  #tell(kind, node) {
    this.canvas.dispatchEvent(new CustomEvent(kind, { detail: node }));
  }
}

/** Where on its canvas an event was, in CSS pixels. */
function here(event) {
  const box = event.target.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

/** A colour as two attributes: not every program reads rgba(). */
function shade(attribute, colour) {
  const [, r, g, b, share] = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(colour);
  const through = share ? ` ${attribute}-opacity="${share}"` : "";
  return ` ${attribute}="rgb(${r},${g},${b})"${through}`;
}
