// The head of a job's page, live on every tab; parts that changed are taken from a fresh page.

import { feed, freshPage } from "./feed.js";

const later = new Map(); // selector -> timer

/** Replace the parts that a selector names by those of the page as the server has it now. */
function swap(selector, page) {
  for (const old of document.querySelectorAll(selector)) {
    const fresh = page.getElementById(old.id);
    if (!fresh) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(document.adoptNode(fresh));
    if (focused) document.getElementById(focused)?.focus();
  }
  // Charts and sortable tables prepare what is new.
  document.dispatchEvent(new CustomEvent("htmx:afterSwap"));
}

async function renew(selector) {
  later.delete(selector);
  // Not under the hands of somebody who writes; and a server that starts anew is asked again.
  const page = document.querySelector("dialog[open]") ? null : await freshPage().catch(() => null);
  if (page) swap(selector, page);
  else schedule(selector, 2000);
}

function schedule(selector, wait) {
  if (!later.has(selector)) later.set(selector, setTimeout(() => renew(selector), wait));
}

function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, "0")} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function progress({ phase, progress: at }) {
  const head = document.getElementById("job-head");
  const name = head.querySelector("[data-phase]");
  if (!name) return;
  if (phase !== undefined) name.textContent = phase;
  const { done, total, eta } = at ?? {};
  const bar = head.querySelector("[data-bar]");
  if (total && done !== undefined && done !== null) bar.value = Math.min(1, done / total);
  else bar.removeAttribute("value");
  const known = done !== undefined && done !== null;
  head.querySelector("[data-progress]").textContent = known ? `${done}${total ? ` of ${total}` : ""}` : "";
  head.querySelector("[data-eta]").textContent = eta ? `${duration(eta)} left in this phase` : "";
}

const source = feed();
source.on("progress", progress);
source.on("state", () => {
  schedule("#job-head", 100);
  schedule("[data-swap-on-state]", 300);
});
source.on("verifications", () => schedule("#job-head", 1000));
source.on("changes", () => schedule("[data-swap-on-changes]", 300));
source.on("artifacts", () => schedule("[data-swap-on-artifacts]", 1000));
source.on("page", (page) => {
  if (!document.querySelector("dialog[open]")) {
    swap("#job-head, [data-swap-on-artifacts], [data-swap-on-state], [data-swap-on-changes]", page);
  }
});
source.start();
