// Pointer, wheel and keys on a network: drag to move, + and − or Ctrl with the wheel to come nearer,
// a click picks the nearest node. By keyboard the node nearest to the middle is ringed, and Enter
// picks it. A finger moves the network once it is zoomed; until then it scrolls the page.

const STEP = 1.4; // of one zoom
const WHEEL = 0.005; // of the exponent, for each pixel that a wheel turns
const LINE = 20; // pixels of a wheel that counts lines
const MOVED = 4; // CSS pixels from which on a press is a drag

/** @param {import("./network.js").Network} network */
export function hands(network) {
  const { canvas } = network;
  let from = null; // where a press began
  let moved = false;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    from = { x: event.clientX, y: event.clientY, view: { ...network.view } };
    moved = false;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons) from = null; // it was let go elsewhere
    if (!from) return network.hover(network.nearest(here(event)));
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    moved ||= Math.hypot(dx, dy) > MOVED;
    if (!moved) return undefined;
    const scale = network.scale();
    network.view.x = from.view.x - dx / scale.x;
    network.view.y = from.view.y - dy / scale.y;
    return network.changed();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && !moved) network.tell("pick", network.nearest(here(event)));
    from = null;
  });
  canvas.addEventListener("pointercancel", () => {
    from = null;
  });
  canvas.addEventListener("pointerleave", () => network.hover(-1));
  canvas.addEventListener("blur", () => network.hover(-1));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    network.zoom(Math.exp(-WHEEL * turned), here(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (press(network, event.key)) event.preventDefault();
  });
}

/** Whether the key means something here. */
function press(network, key) {
  if (key === "Enter") {
    network.tell("pick", network.middle());
    return true;
  }
  const { x, y } = network.scale();
  const far = { x: (0.1 * network.width) / x, y: (0.1 * network.height) / y };
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (key in moves) {
    network.view.x += far.x * moves[key][0];
    network.view.y += far.y * moves[key][1];
    network.changed();
  } else if (key === "+" || key === "=") network.zoom(STEP);
  else if (key === "-" || key === "−") network.zoom(1 / STEP);
  else if (key === "0") network.whole();
  else return false;
  network.over = network.middle(); // ringed, so that one sees what Enter picks
  network.tell("reach", network.over);
  return true;
}

/** Where on its canvas an event was, in CSS pixels. */
function here(event) {
  const box = event.target.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
