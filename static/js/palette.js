// The colours of charts: read from the CSS tokens, so that both themes have one source.

export const SLOTS = 8;
export const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
export const MARKS = ["circle", "square", "diamond", "cross", "triangle-up", "x", "star", "hexagon"];

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/**
 * What a token is in the theme of now, as rgb().
 * @param {string} token "--ink"
 */
export function colour(token) {
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}

/**
 * The same colour, let through.
 * @param {string} token
 * @param {number} share of 1
 */
export function faint(token, share) {
  return colour(token).replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

/** @param {number} index from 0 */
export function series(index) {
  return colour(`--series-${(index % SLOTS) + 1}`);
}

/**
 * Palette slot (from 0) of a job: the same on all pages, and in the template filter `slot`.
 * @param {string} id
 */
export function ofJob(id) {
  let value = 2166136261;
  for (const byte of new TextEncoder().encode(id)) {
    value = Math.imul(value ^ byte, 16777619) >>> 0;
  }
  return value % SLOTS;
}
