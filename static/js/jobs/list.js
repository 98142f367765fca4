// The job list: selection and what is done with it, the column picker, states that stay true.

import { live } from "../live.js";

const form = document.getElementById("bulk");
const bar = document.querySelector("[data-bulk]");
const all = document.querySelector("[data-select-all]");
let last = null; // the box clicked before, for a range with shift

const boxes = () => [...(form?.querySelectorAll('input[name="job"]') ?? [])];
const selected = () => boxes().filter((box) => box.checked).map((box) => box.value);

function show() {
  const chosen = selected();
  bar.hidden = chosen.length === 0;
  bar.querySelector("[data-bulk-count]").textContent = `${chosen.length} selected`;
  document.querySelector("#compare-form [name=jobs]").value = chosen.join(",");
  all.checked = chosen.length === boxes().length;
  all.indeterminate = chosen.length > 0 && !all.checked;
}

form?.addEventListener("click", (event) => {
  const box = event.target.closest('input[name="job"]');
  if (!box) return;
  if (event.shiftKey && last) {
    const list = boxes();
    const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
    for (const one of list.slice(from, to + 1)) one.checked = box.checked;
  }
  last = box;
  show();
});
all?.addEventListener("click", () => {
  for (const box of boxes()) box.checked = all.checked;
  show();
});

// The picker writes its boxes into one field, so that the address stays short.
document.addEventListener("submit", (event) => {
  const picker = event.target.closest("[data-columns]");
  if (!picker) return;
  const ticked = [...picker.querySelectorAll("[data-column]:checked")].map((box) => box.value);
  const others = picker.querySelector("[data-column-others]").value.split(",").map((name) => name.trim());
  picker.elements.cols.value = [...new Set([...ticked, ...others.filter(Boolean)])].join(",");
});

// A row whose state changed is fetched again with the page; many changes make one fetch.
const changed = new Set();
let timer = 0;

async function refresh() {
  timer = 0;
  const wanted = [...changed];
  changed.clear();
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of wanted) {
    const old = document.querySelector(`tr[data-job="${CSS.escape(id)}"]`);
    const fresh = page.querySelector(`tr[data-job="${CSS.escape(id)}"]`);
    if (!old || !fresh) continue;
    fresh.querySelector("input").checked = old.querySelector("input").checked;
    old.replaceWith(document.adoptNode(fresh));
  }
}

function onTeam(message) {
  if (!message.job || !document.querySelector(`tr[data-job="${CSS.escape(message.job)}"]`)) return;
  changed.add(message.job);
  timer ||= setTimeout(refresh, 500);
}

const teams = JSON.parse(document.getElementById("job-teams").textContent);
for (const team of teams) live().team(team, onTeam);
