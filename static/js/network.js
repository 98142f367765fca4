// A whole graph on a canvas, for thousands of nodes and hundreds of thousands of edges.
//
//   const drawn = new Network(canvas, { x, y, u, v });      // places in −1…1, edges as positions
//   drawn.paint({ nodes: (node) => "rgb(…)", edges: [{ of: [edge, …], colour, width, dash }] });
//   drawn.mark(node, [edge, …]);                             // lifted out of the rest
//   canvas.addEventListener("hover" | "reach" | "pick", ({ detail: node }) => …);
//       // under the pointer (−1: none), reached by keyboard, chosen
//
// Edges are drawn once for a view and moved as a picture while the view changes, so that a move
// costs the nodes alone; they are drawn sharp again as soon as it rests.

import { hands } from "./network-hands.js";

const MARGIN = 0.96; // share of the canvas that the whole graph takes
const NEAREST = 14; // CSS pixels within which a node is meant
const FARTHEST = 0.8;
const CLOSEST = 200;
const REST = 120; // ms without a move until edges are drawn again
const BATCH = 500; // edges of one stroke: canvases are slow with long paths

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
    hands(this);
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  paint(look) {
    Object.assign(this.look, look);
    this.layerView = null;
    this.schedule();
  }

  mark(node, edges) {
    const moved = node !== this.marked.node;
    this.marked = { node, edges };
    if (moved && node >= 0) this.show(node);
    this.schedule();
  }

  /** Nearer or farther; the spot of the canvas (CSS pixels) stays where it is. */
  zoom(factor, at = { x: this.width / 2, y: this.height / 2 }) {
    const zoom = Math.min(CLOSEST, Math.max(FARTHEST, this.view.zoom * factor));
    const before = this.place(at);
    this.view.zoom = zoom;
    const after = this.place(at);
    this.view.x += before.x - after.x;
    this.view.y += before.y - after.y;
    this.changed();
  }

  whole() {
    this.view = { x: 0, y: 0, zoom: 1 };
    this.changed();
  }

  // Where things are

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (width === this.width && height === this.height && ratio === this.ratio) return;
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.changed(); // the edges' picture is stretched meanwhile
  }

  scale() {
    const half = (this.view.zoom * MARGIN) / 2;
    return { x: half * this.width, y: half * this.height };
  }

  /** Where a place of the graph is on the canvas, in CSS pixels. */
  #at({ x, y }) {
    const scale = this.scale();
    return { x: this.width / 2 + scale.x * (x - this.view.x), y: this.height / 2 + scale.y * (y - this.view.y) };
  }

  spot(node) {
    return this.#at({ x: this.graph.x[node], y: this.graph.y[node] });
  }

  isSeen({ x, y }, around = 0) {
    return x > -around && y > -around && x < this.width + around && y < this.height + around;
  }

  place({ x, y }) {
    const scale = this.scale();
    return { x: this.view.x + (x - this.width / 2) / scale.x, y: this.view.y + (y - this.height / 2) / scale.y };
  }

  /** The node nearest to a spot, or −1 where none is near. */
  nearest({ x, y }) {
    let best = -1;
    let least = NEAREST ** 2;
    for (let node = 0; node < this.graph.x.length; node++) {
      const spot = this.spot(node);
      const far = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (far < least) [best, least] = [node, far];
    }
    return best;
  }

  /** Moves the view where a node would lie outside of it. */
  show(node) {
    if (!this.width || this.isSeen(this.spot(node))) return;
    this.view.x = this.graph.x[node];
    this.view.y = this.graph.y[node];
    this.changed();
  }

  // Drawing

  changed() {
    this.canvas.style.touchAction = this.view.zoom > 1 ? "none" : "";
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.layerView = null;
      this.schedule();
    }, REST);
    this.schedule();
  }

  schedule() {
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
    const corner = this.place({ x: 0, y: 0 });
    const other = this.place({ x: this.width, y: this.height });
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
        const a = this.spot(u[edge]);
        const b = this.spot(v[edge]);
        if (!this.crosses(a, b)) continue;
        pen.moveTo(a.x, a.y);
        pen.lineTo(b.x, b.y);
      }
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  crosses(a, b) {
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
  radius() {
    const crowd = Math.sqrt(this.graph.x.length / Math.max(1, this.width * this.height));
    return Math.min(7, Math.max(1.6, 0.13 / crowd) * this.view.zoom ** 0.35);
  }

  #drawNodes(pen) {
    const radius = this.radius();
    for (let node = 0; node < this.graph.x.length; node++) {
      const spot = this.spot(node);
      if (!this.isSeen(spot, radius)) continue;
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
      const { x, y } = this.spot(one);
      pen.fillStyle = this.look.nodes(one);
      pen.strokeStyle = this.look.mark;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, this.radius() + extra, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  }

  /** The node nearest to the middle of what is seen. */
  middle() {
    const { x, y } = this.view;
    const far = (node) => (this.graph.x[node] - x) ** 2 + (this.graph.y[node] - y) ** 2;
    return this.graph.x.reduce((best, _, node) => (far(node) < far(best) ? node : best), 0);
  }

  hover(node) {
    if (node === this.over) return;
    this.over = node;
    this.canvas.style.cursor = node < 0 ? "grab" : "pointer";
    this.tell("hover", node);
    this.schedule();
  }

  tell(kind, node) {
    this.canvas.dispatchEvent(new CustomEvent(kind, { detail: node }));
  }
}
