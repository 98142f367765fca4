// What won, in which hardware, how fast, and whether the RTL kept to the golden model.

import { html } from "../make.js";
import { counted, share } from "./say.js";
import { count, cyclesTold, figures, round } from "./kaleidoscope-words.js";

const pick = (selector) => document.querySelector(selector);
const RIVAL = "random_forest";
const HASH = 8; // letters of it that are shown

/** @param {any} overview */
export function head(overview) {
  pick("[data-head]").hidden = false;
  banner(overview.accuracy.models);
  pick("[data-badge]").replaceChildren(badge(overview.backend));
  figures(pick("[data-figures]"), numbers(overview));
  mismatch(overview.parity);
}

/** The network as the hardware answers, against the forest. */
function banner(models) {
  const own = models.find(({ key }) => key === "rtl") ?? models.find(({ key }) => key === "int8");
  const rival = models.find(({ key }) => key === RIVAL);
  const place = pick("[data-banner]");
  if (!own || !rival || own.accuracy === null || rival.accuracy === null) {
    place.textContent = own?.accuracy ? `${own.title}: accuracy ${share(own.accuracy)}; no random forest ran beside it.` : "No contest: no accuracy was measured.";
    return;
  }
  const [first, second] = own.accuracy >= rival.accuracy ? [own, rival] : [rival, own];
  const told = `${share(first.accuracy)} against ${share(second.accuracy)}`;
  if (first.accuracy === second.accuracy) {
    place.textContent = `${own.title} and ${rival.title} are level at ${share(own.accuracy)}.`;
    return;
  }
  place.classList.add(first === own ? "ours" : "theirs");
  place.textContent = `${first.title} wins: accuracy ${told} of ${second.title}.${overlap(first, second) ? " Their 95 % intervals overlap." : ""}`;
}

const overlap = (first, second) => first.low !== null && second.high !== null && first.low <= second.high;

function badge({ name, version, rtl, real, badge: told }) {
  if (!real) return html("strong", { class: "banner parted" }, told ?? "model, not RTL");
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  return html("span", { class: "chip" }, `simulated RTL: ${title} ${version}`, html("span", { class: "mono", title: rtl }, ` ${rtl.slice(0, HASH)}`));
}

function numbers({ title, input_bytes: bytes, clock_mhz: clock, hardware, latency, load, parity, flow_table: table }) {
  const { mouse, elephant } = load.drops;
  return [
    ["Network", title, `${bytes} payload bytes, ${counted(hardware.fpe, "FPE")}, ${counted(hardware.hpe, "HPE")}`],
    ["Latency, idle core", `${round(latency.idle)} cycles`, cyclesTold(latency.idle, clock).split(", ")[1] + ` at ${clock} MHz`],
    ["Mismatches", count(parity.mismatches), `in ${count(parity.logits)} logits of ${counted(parity.flows, "flow")}, RTL against golden`],
    ["Drops", count(mouse + elephant), `${count(mouse)} mouse, ${count(elephant)} elephant jobs of ${count(load.jobs)}`],
    ["Served", `${round(load.served_gbps)} Gbit/s`, `of ${round(load.offered_gbps)} offered`],
    ["Flow table", `${count(table.used)} rows`, `of ${count(table.rows)}; ${counted(table.collisions, "collision")}, ${counted(table.evictions, "eviction")}`],
  ];
}

function mismatch({ mismatches, first }) {
  if (!mismatches || !first) return;
  const { flow, step, index, golden, rtl } = first;
  pick("[data-mismatch]").textContent = `RTL and golden model part first at flow ${flow}, ${step}[${index}]: golden ${golden}, RTL ${rtl}.`;
}
