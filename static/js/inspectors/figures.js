// The loud numbers of a part.

import { html } from "../make.js";

/**
 * What is not there says why.
 * @param {HTMLElement} list a <dl class="figures">
 * @param {[string, string, string?][]} rows name, value, and a line under it
 */
export function figures(list, rows) {
  list.replaceChildren(
    ...rows.map(([name, value, why]) =>
      html("div", {}, html("dt", {}, name, why ? html("span", { class: "why" }, why) : ""), html("dd", { "data-figure": name }, value)),
    ),
  );
}
