// Shortcuts of single keys. Links name theirs (data-key="g j"); a search field is [data-search].

const OFF = "keys-off";
const PAUSE = 1200; // ms between the two keys of a sequence
let first = "";
let timer = 0;

const box = document.querySelector("[data-keys-on]");
if (box) {
  box.checked = localStorage.getItem(OFF) === null;
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}

/** @param {EventTarget | null} target */
function typing(target) {
  return (
    target instanceof Element &&
    target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")
  );
}

/** @param {string} keys */
function follow(keys) {
  const link = place(keys);
  link?.click();
  return Boolean(link);
}

/** @param {string} keys */
function place(keys) {
  return [...document.querySelectorAll("[data-key]")].find((link) => link.dataset.key === keys);
}

/** @param {string} keys @param {string} [more] */
function open(keys, more = "") {
  const link = place(keys);
  if (link) location.assign(link.href + more);
}

const single = {
  "/": () => {
    const field = document.querySelector("[data-search]");
    if (field) field.focus();
    else open("g j", "#search");
  },
  "?": () => document.getElementById("keyboard")?.showModal(),
  n: () => open("n"),
  c: () => {
    const selected = document.querySelector("[data-compare]"); // in sight while jobs are selected
    if (selected?.offsetParent) selected.click();
    else open("g c");
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (localStorage.getItem(OFF) !== null && event.key !== "?") return;
  clearTimeout(timer);
  if (first) {
    const keys = `${first} ${event.key}`;
    first = "";
    if (follow(keys)) event.preventDefault();
    return;
  }
  if (event.key === "g") {
    first = "g";
    timer = setTimeout(() => (first = ""), PAUSE);
    return;
  }
  const act = Object.hasOwn(single, event.key) ? single[event.key] : null;
  if (act) {
    event.preventDefault();
    act();
  }
});

if (location.hash === "#search") document.querySelector("[data-search]")?.focus();
