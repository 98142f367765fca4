// A row of buttons that stay pressed; one Tab stop, arrows move along it.

import { html } from "../make.js";

/**
 * @param {HTMLElement} box
 * @param {string[]} names
 * @param {() => void} changed
 */
export function toggles(box, names, changed) {
  const buttons = names.map((name) => html("button", { type: "button", "aria-pressed": "false" }, name));
  const rove = (to) => buttons.forEach((button, at) => (button.tabIndex = at === to ? 0 : -1));
  const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

  function flip(at) {
    buttons[at].setAttribute("aria-pressed", String(!isPressed(buttons[at])));
    changed();
  }

  buttons.forEach((button, at) => button.addEventListener("click", () => {
    rove(at);
    flip(at);
  }));
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = buttons.indexOf(event.target);
    const count = buttons.length;
    const to = {
      ArrowRight: (at + 1) % count,
      ArrowDown: (at + 1) % count,
      ArrowLeft: (at + count - 1) % count,
      ArrowUp: (at + count - 1) % count,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    rove(to);
    buttons[to].focus();
  });
  box.replaceChildren(...buttons);
  rove(0);
  return {
    flip,
    pressed: () => [...buttons.keys()].filter((at) => isPressed(buttons[at])),
    clear: () => buttons.forEach((button) => button.setAttribute("aria-pressed", "false")),
  };
}
