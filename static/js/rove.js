// Rows of a table of which one is chosen: by a click anywhere on it, or by ↑ ↓ Home End on its
// button. The table is one Tab stop.

/**
 * Each row to be chosen has `data-row` and a button in its first cell.
 * @param {HTMLTableElement} table
 * @param {(row: string) => void} choose
 */
export function rove(table, choose) {
  const rows = () => [...table.querySelectorAll("tr[data-row]")];
  const chosen = () => table.querySelector("tr.chosen");

  function mark(key) {
    const all = rows();
    const here = all.find((row) => row.dataset.row === String(key));
    for (const row of all) {
      row.classList.toggle("chosen", row === here);
      const button = row.querySelector("button");
      button.tabIndex = row === (here ?? all[0]) ? 0 : -1;
      if (row === here) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    if (here) intoSight(here, table);
    return here;
  }

  table.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row]");
    if (row) choose(row.dataset.row);
  });
  table.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = rows();
    const at = all.indexOf(chosen() ?? event.target.closest("tr[data-row]"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const row = all[to];
    if (!row) return;
    choose(row.dataset.row);
    row.querySelector("button").focus({ preventScroll: true });
  });
  return { mark };
}

/** Scrolls the place of the table alone: the page stays where it is. */
function intoSight(row, table) {
  const place = table.parentElement;
  const head = table.tHead.offsetHeight;
  const [top, bottom] = [row.offsetTop - head, row.offsetTop + row.offsetHeight];
  if (top < place.scrollTop) place.scrollTop = top;
  else if (bottom > place.scrollTop + place.clientHeight) place.scrollTop = bottom - place.clientHeight;
}
