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

// The summary of a refused form takes the focus.
document.querySelector("[data-focus]")?.focus();
