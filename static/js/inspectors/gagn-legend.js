// What the colours and lines of the drawings mean.

import { SLOTS } from "../palette.js";

/** One item per class among these, each with the dot of its colour. */
export function classes(labels, called) {
  const found = [...new Set(labels)].filter((label) => label >= 0).sort((a, b) => a - b);
  return found.map((label) => {
    const dot = document.createElement("span");
    dot.className = `dot slot-${(label % SLOTS) + 1}`;
    return [dot, ` class ${called.class(label)}`];
  });
}

/**
 * @param {Element} list
 * @param {(string | (string | Node)[])[]} items
 */
export function legend(list, items) {
  list.replaceChildren(
    ...items.map((parts) => {
      const item = document.createElement("li");
      item.append(...[parts].flat());
      return item;
    }),
  );
}
