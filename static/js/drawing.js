// A drawing that is not Plotly's, with the frame of a chart: title, unit, actions, a line under it.
//
//   const picture = drawing(element, { title: "Cores", unit: "cycles", name, table });
//   picture.show(width, height, nodes);      // in CSS pixels; nodes replace what was drawn
//   picture.say("core 2, cycle 17");
//
// `t` shows the table, as on a chart. The element gets `picture.svg` to listen on.

import { button } from "./chart-actions.js";
import { drawingActions } from "./chart-drawing.js";
import { tableElement } from "./charts.js";
import { html, svg } from "./make.js";

/**
 * @param {HTMLElement} element
 * @param {{title: string, unit?: string, name: () => string, role?: string, keyboard?: boolean,
 *          table: () => {columns: string[], rows: any[][]}}} about
 *   name of the file that is saved; keyboard: it can be reached, since keys do something on it
 */
export function drawing(element, { title, unit = "", name, role = "drawing", keyboard = true, table }) {
  const id = `drawing-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  const heading = html("figcaption", { class: "chart-title", id }, title, unit && " ", unit && html("span", { class: "unit" }, unit));
  const picture = svg("svg", {
    class: "drawing",
    role: keyboard ? "group" : "img",
    tabindex: keyboard ? "0" : null,
    "aria-roledescription": keyboard ? role : null,
    "aria-labelledby": id,
  });
  const numbers = html("div", { class: "chart-table", role: "region", tabindex: "0", "aria-labelledby": id, hidden: true });
  const said = html("p", { class: "chart-note number", role: "status" });
  const toggle = button("Table", "As table (t)", () => asTable(numbers.hidden));
  const bar = drawingActions(title, { name, svg: () => picture, table });
  toggle.setAttribute("aria-pressed", "false");
  bar.prepend(toggle);
  element.classList.add("chart");
  element.replaceChildren(html("div", { class: "chart-head" }, heading, bar), picture, numbers, said);

  function asTable(on) {
    numbers.hidden = !on;
    picture.toggleAttribute("hidden", on);
    toggle.setAttribute("aria-pressed", String(on));
    if (on) numbers.replaceChildren(tableElement(table(), title));
  }

  element.addEventListener("keydown", (event) => {
    if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== picture && event.target !== numbers) return;
    event.preventDefault();
    asTable(numbers.hidden);
    (numbers.hidden ? picture : numbers).focus();
  });

  return {
    svg: picture,
    say: (words) => (said.textContent = words),
    show(width, height, nodes) {
      picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
      picture.style.blockSize = `${height}px`;
      picture.replaceChildren(...nodes);
      if (!numbers.hidden) asTable(true);
    },
  };
}

/**
 * Calls `draw` with the width of an element now, when it changes, and when the theme does.
 * @param {Element} element
 * @param {(width: number) => void} draw
 * @returns {() => void} draws in the next frame
 */
export function onWidth(element, draw) {
  let frame = 0;
  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (element.clientWidth) draw(element.clientWidth);
    });
  };
  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth !== width) schedule();
    width = element.clientWidth;
  }).observe(element);
  document.addEventListener("themechange", schedule);
  return schedule;
}
