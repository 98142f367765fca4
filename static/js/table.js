// Sorts small tables in the page: <table data-sortable>, each <th data-sort> becomes a button.
// A cell's value is its data-value where given, else its text; numbers sort as numbers.

const SCROLLING = ".table, .scroll, .tabs, .panel, pre";
const ICONS = document.querySelector(".brand use")?.getAttribute("href")?.split("#")[0] ?? "";

/** @param {HTMLTableCellElement} cell */
function value(cell) {
  const text = (cell.dataset.value ?? cell.textContent).trim();
  const number = Number(text.replaceAll(" ", ""));
  return text !== "" && Number.isFinite(number) ? number : text;
}

/** Numbers before words; nothing last. */
function order(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number" || typeof b === "number") return typeof a === "number" ? -1 : 1;
  return a.localeCompare(b);
}

/**
 * @param {HTMLTableElement} table
 * @param {HTMLTableCellElement} head
 */
function sort(table, head) {
  const down = head.getAttribute("aria-sort") !== "descending";
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) {
    other.removeAttribute("aria-sort");
  }
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [value(row.cells[head.cellIndex]), row]);
  rows.sort((a, b) => {
    const result = order(a[0], b[0]);
    return down && a[0] !== "" && b[0] !== "" ? -result : result;
  });
  body.append(...rows.map(([, row]) => row));
}

/** @param {ParentNode} root */
export function prepare(root) {
  for (const head of root.querySelectorAll("table[data-sortable] th[data-sort]")) {
    if (head.querySelector("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.append(...head.childNodes);
    button.insertAdjacentHTML(
      "beforeend",
      `<svg class="icon" aria-hidden="true"><use href="${ICONS}#down"/></svg>`,
    );
    button.addEventListener("click", () => sort(head.closest("table"), head));
    head.append(button);
  }
}

/** Says, for the style sheet, at which edges of a place that scrolls there is more. */
function tellMore(place) {
  const { scrollLeft, scrollWidth, clientWidth } = place;
  const more = [];
  if (scrollLeft > 1) more.push("before");
  if (scrollLeft + clientWidth < scrollWidth - 1) more.push("after"); // it scrolls by fractions
  if (more.length) place.dataset.more = more.join(" ");
  else delete place.dataset.more;
}

// Events of scrolling do not bubble, but they can be caught on the way down.
document.addEventListener(
  "scroll",
  ({ target }) => {
    if (target instanceof Element && target.matches(SCROLLING)) tellMore(target);
  },
  { capture: true, passive: true },
);

// A table that is wider than its place scrolls; then it can be reached by keyboard too.
const watch = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    tellMore(target);
    if (target.hasAttribute("role")) continue;
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

/** @param {ParentNode} root */
function begin(root) {
  prepare(root);
  for (const place of root.querySelectorAll(SCROLLING)) watch.observe(place);
}

begin(document);
document.addEventListener("htmx:afterSwap", (event) => begin(event.target));
document.addEventListener("refreshed", (event) => begin(event.target));
