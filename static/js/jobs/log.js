// The log: streamed, searched, filtered by level, followed to its end.

import { feed } from "./feed.js";

const MOST = 20_000; // lines kept on the page
const SHOWN = 5_000; // of them drawn
const ERROR = /\b(error|exception|traceback|fatal)\b/i;
const WARNING = /\bwarn(ing)?\b/i;

const box = document.querySelector("[data-log]");
const search = document.getElementById("log-search");
const level = document.getElementById("log-level");
const follow = document.getElementById("log-follow");
const count = document.querySelector("[data-log-count]");

let text = JSON.parse(document.getElementById("job-log").textContent).text;
let frame = 0;
let errorAt = -1; // the line that "next error" showed last

const lines = () => text.split("\n").slice(-MOST);

function fits(line) {
  if (level.value === "error" && !ERROR.test(line)) return false;
  if (level.value === "warning" && !ERROR.test(line) && !WARNING.test(line)) return false;
  return line.toLowerCase().includes(search.value.toLowerCase());
}

function show() {
  frame = 0;
  const all = lines();
  const chosen = search.value || level.value ? all.filter(fits) : all;
  box.textContent = chosen.slice(-SHOWN).join("\n");
  const drawn = Math.min(chosen.length, SHOWN);
  count.textContent =
    search.value || level.value ? `${drawn} of ${all.length} lines` : text ? "" : "Nothing is logged yet.";
  if (follow.checked) box.scrollTop = box.scrollHeight;
}

function schedule() {
  frame ||= requestAnimationFrame(show);
}

function nextError() {
  const shown = box.textContent.split("\n");
  const places = shown.flatMap((line, place) => (ERROR.test(line) ? [place] : []));
  if (places.length === 0) {
    count.textContent = "No error in sight.";
    return;
  }
  errorAt = places.find((place) => place > errorAt) ?? places[0];
  follow.checked = false;
  const range = document.createRange();
  const start = shown.slice(0, errorAt).join("\n").length + (errorAt > 0 ? 1 : 0);
  range.setStart(box.firstChild, start);
  range.setEnd(box.firstChild, start + shown[errorAt].length);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  box.scrollTop += range.getBoundingClientRect().top - box.getBoundingClientRect().top - 40;
  count.textContent = `Line ${errorAt + 1} of ${shown.length}`;
}

feed().withLog();
feed().on("log", (more) => {
  text += more;
  if (text.length > 8_000_000) text = text.slice(-4_000_000);
  schedule();
});
// After a gap, a rewind or a message that was cut, the page's copy is stale.
feed().on("page", (page) => {
  text = JSON.parse(page.getElementById("job-log").textContent).text;
  schedule();
});
for (const control of [search, level]) control.addEventListener("input", schedule);
follow.addEventListener("change", schedule);
box.addEventListener("wheel", (event) => {
  if (event.deltaY < 0) follow.checked = false; // who scrolls up wants to read
});
document.querySelector("[data-log-error]").addEventListener("click", nextError);
show();
