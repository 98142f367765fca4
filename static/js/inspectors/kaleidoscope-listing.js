// The program of the core, grouped by layer, with the cycle at which each instruction issues.

import { html } from "../make.js";
import { rove } from "../rove.js";
import { counted } from "./say.js";

/**
 * @param {{listing: any[]}} overview
 * @param {(pc: number) => void} choose
 */
export function listingView({ listing }, choose) {
  const table = document.querySelector("[data-listing]");
  const rows = rove(table, (pc) => choose(Number(pc)));

  /** Runs of one layer, since a schedule may come back to it. */
  const groups = [];
  for (const line of listing) {
    if (groups.at(-1)?.layer !== line.layer) groups.push({ layer: line.layer, lines: [] });
    groups.at(-1).lines.push(line);
  }

  const row = ({ pc, text, at, gap }) =>
    html(
      "tr",
      { "data-row": pc },
      html("th", { scope: "row" }, html("button", { type: "button", class: "plain walk" }, String(pc))),
      html("td", { class: "num" }, String(at)),
      html("td", { class: "num" }, gap ? String(gap) : ""),
      html("td", { class: "mono" }, text),
    );

  table.append(
    ...groups.map(({ layer, lines }) => {
      const told = `${layer}: ${counted(lines.length, "instruction")}, cycles ${lines[0].at} to ${lines.at(-1).at}`;
      return html("tbody", {}, html("tr", {}, html("th", { scope: "rowgroup", colspan: 4 }, told)), ...lines.map(row));
    }),
  );
  rows.mark(null);
  return { show: rows.mark };
}
