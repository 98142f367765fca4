// What won, in which hardware, how fast, and whether the RTL kept to the golden model.

import { html } from "../make.js";
import { counted, share } from "./say.js";
import { figures } from "./figures.js";
import { count, known, measureOf, nanoseconds, round } from "./kaleidoscope-words.js";

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

/** The network that is deployed, against the forest on the same folds; the RTL alone runs fewer flows. */
function banner(models) {
  const { key, title } = measureOf(models);
  const own = models.find((one) => one.key === "int8") ?? models.find((one) => one.key === "rtl");
  const rival = models.find((one) => one.key === RIVAL);
  const place = pick("[data-banner]");
  if (!known(own?.[key])) {
    place.textContent = "No contest: the network's answers were not measured.";
  } else if (!known(rival?.[key])) {
    place.textContent = `${own.title}: ${title} ${share(own[key])}; no random forest ran beside it.`;
  } else if (own[key] === rival[key]) {
    place.textContent = `${own.title} and ${rival.title} are level at ${share(own[key])}.`;
  } else {
    const [first, second] = own[key] > rival[key] ? [own, rival] : [rival, own];
    place.classList.add(first === own ? "ours" : "theirs");
    const [verb, near] = overlap(first, second) ? ["leads", "; their folds overlap"] : ["wins", ""];
    place.textContent = `${first.title} ${verb}: ${title} ${share(first[key])} against ${share(second[key])} of ${second.title}${near}.`;
  }
}

/** Whether the worst fold of one is no better than the best of the other. */
const overlap = (first, second) => known(first.low) && known(second.high) && first.low <= second.high;

function badge({ name, version, rtl, real, badge: told }) {
  if (!real) return html("strong", { class: "banner parted" }, told ?? "model, not RTL");
  const tool = version.toLowerCase().startsWith(name) ? version : `${name} ${version}`;
  return html("span", { class: "chip" }, `simulated RTL: ${tool}`, html("span", { class: "mono", title: rtl }, ` ${rtl.slice(0, HASH)}`));
}

function numbers({ backend, title, input_bytes: bytes, clock_mhz: clock, hardware, latency, load, parity, flow_table: table }) {
  const { mouse, elephant } = load.drops;
  return [
    ["Network", title, `${bytes} payload bytes, ${counted(hardware.fpe, "FPE")}, ${counted(hardware.hpe, "HPE")}`],
    ["Latency, idle core", `${round(latency.idle)} cycles`, `${round(nanoseconds(latency.idle, clock))} ns at ${clock} MHz, slowest header; from ${round(latency.headers[0].least)} cycles`],
    ["Mismatches", count(parity.mismatches), `in ${count(parity.logits)} logits of ${counted(parity.flows, "flow")}, ${backend.real ? "RTL" : "cycle model"} against golden`],
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
