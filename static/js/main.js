// What every page does: keys, dialogs, tables, ages. Each works on `data-` attributes alone.
import "./ago.js";
import "./connection.js";
import "./count.js";
import "./dialog.js";
import "./keys.js";
import "./table.js";

const rail = document.querySelector("[data-rail]");
const toggle = document.querySelector("[data-rail-toggle]");
toggle?.addEventListener("click", () => {
  toggle.setAttribute("aria-expanded", String(rail.classList.toggle("open")));
});

// Tabs scroll where they do not fit: the one that is open stands in the middle of what is seen.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const bar = tab.closest(".tabs");
  const [whole, part] = [bar.getBoundingClientRect(), tab.getBoundingClientRect()];
  bar.scrollLeft += part.x + part.width / 2 - whole.x - whole.width / 2;
}

// The summary of a refused form takes the focus.
document.querySelector("[data-focus]")?.focus();
