// A whole graph on a canvas, for thousands of nodes and hundreds of thousands of edges: drag to
// move, + and − or Ctrl with the wheel to come nearer, a click picks the nearest node.
//
//   const drawn = new Network(canvas, { x, y, u, v });      // places in −1…1, edges as positions
//   drawn.paint({ nodes: (node) => "rgb(…)", edges: [{ of: [edge, …], colour, width, dash }] });
//   drawn.mark(node, [edge, …]);                             // lifted out of the rest
//   canvas.addEventListener("hover" | "pick", ({ detail: node }) => …);   // −1: none
//
// Edges are drawn once for a view and moved as a picture while the view changes, so that a move
// costs the nodes alone; they are drawn sharp again as soon as it rests.

const MARGIN = 0.96; // share of the canvas that the whole graph takes
const NEAREST = 14; // CSS pixels within which a node is meant
const STEP = 1.4; // of one zoom
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
    this.#resize();
  }

  paint(look) {
    Object.assign(this.look, look);
    this.layerView = null;
    this.#schedule();
  }

  mark(node, edges) {
    this.marked = { node, edges };
    if (node >= 0) this.#show(node);
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
    this.ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    for (const one of [this.canvas, this.layer]) {
      one.width = Math.max(1, Math.round(this.width * this.ratio));
      one.height = Math.max(1, Math.round(this.height * this.ratio));
    }
    this.layerView = null;
    this.#schedule();
  }

  #scale(view = this.view) {
    return { x: (view.zoom * MARGIN * this.width) / 2, y: (view.zoom * MARGIN * this.height) / 2 };
  }

  #spot(node) {
    const scale = this.#scale();
    return {
      x: this.width / 2 + scale.x * (this.graph.x[node] - this.view.x),
      y: this.height / 2 + scale.y * (this.graph.y[node] - this.view.y),
    };
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
    const { x, y } = this.#spot(node);
    if (x > 0 && y > 0 && x < this.width && y < this.height) return;
    this.view.x = this.graph.x[node];
    this.view.y = this.graph.y[node];
    this.#changed();
  }

  // Drawing

  #changed() {
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
    if (!this.width || !this.height) return;
    if (!this.layerView) this.#drawEdges();
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = this.look.ground;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.#placeLayer(pen);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.#drawNodes(pen);
    this.#drawMarked(pen);
  }

  #drawEdges() {
    const pen = this.layer.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.layer.width, this.layer.height);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    for (const group of this.look.edges) this.#stroke(pen, group);
    this.layerView = { ...this.view };
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
    const [now, then] = [this.#scale(), this.#scale(this.layerView)];
    const left = this.width / 2 + now.x * (this.layerView.x - this.view.x) - (this.width / 2) * (now.x / then.x);
    const top = this.height / 2 + now.y * (this.layerView.y - this.view.y) - (this.height / 2) * (now.y / then.y);
    const { ratio } = this;
    pen.drawImage(
      this.layer,
      left * ratio,
      top * ratio,
      (this.layer.width * now.x) / then.x,
      (this.layer.height * now.y) / then.y,
    );
  }

  /** Few nodes, or seen from near, are drawn large. */
  #radius() {
    const crowd = Math.sqrt(this.graph.x.length / Math.max(1, this.width * this.height));
    return Math.min(7, Math.max(1.6, 0.13 / crowd) * this.view.zoom ** 0.35);
  }

  #drawNodes(pen) {
    const radius = this.#radius();
    for (let node = 0; node < this.graph.x.length; node++) {
      const { x, y } = this.#spot(node);
      if (x < -radius || y < -radius || x > this.width + radius || y > this.height + radius) continue;
      pen.fillStyle = this.look.nodes(node);
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
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

  /** What is in view as an SVG document. */
  svg() {
    const { u, v } = this.graph;
    const line = (edge) => {
      const [a, b] = [this.#spot(u[edge]), this.#spot(v[edge])];
      return this.#crosses(a, b) ? `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}` : "";
    };
    const groups = [...this.look.edges, { of: this.marked.edges, colour: this.look.mark, width: 1.25 }];
    const lines = groups.map(({ of, colour, width = 1, dash = [] }) =>
      `<path fill="none" stroke="${colour}" stroke-width="${width}" stroke-dasharray="${dash.join(" ")}" d="${of.map(line).join("")}"/>`);
    const radius = this.#radius().toFixed(1);
    const dots = this.graph.x.map((_, node) => {
      const { x, y } = this.#spot(node);
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}" fill="${this.look.nodes(node)}"/>`;
    });
    const size = `width="${this.width}" height="${this.height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect ${size} fill="${this.look.ground}"/>${lines.join("")}${dots.join("")}</svg>`;
  }

  // Hands

  #listen() {
    const { canvas } = this;
    let from = null; // where a press began
    let moved = false;
    canvas.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY, view: { ...this.view } };
      moved = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return this.#hover(this.nearest(this.#at(event)));
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      moved ||= Math.hypot(dx, dy) > MOVED;
      if (!moved) return undefined;
      const scale = this.#scale();
      this.view.x = from.view.x - dx / scale.x;
      this.view.y = from.view.y - dy / scale.y;
      return this.#changed();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from && !moved) this.#tell("pick", this.nearest(this.#at(event)));
      from = null;
    });
    canvas.addEventListener("pointercancel", () => {
      from = null;
    });
    canvas.addEventListener("pointerleave", () => this.#hover(-1));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, this.#at(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#key(event.key)) event.preventDefault();
    });
  }

  #key(key) {
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
    else if (key === "Enter") this.#tell("pick", this.middle());
    else return false;
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

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}
