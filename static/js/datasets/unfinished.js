// Uploads that an earlier page began: going on asks for the same file again.

import { size } from "./words.js";

const list = document.querySelector("[data-unfinished]");

/** `goOn(row, file)` and `giveUp(row)` do it; a row is told apart by its data attributes. */
export function offer({ goOn, giveUp }) {
  if (!list) return;
  const again = list.querySelector("[data-again]");
  let asking = null;
  for (const row of list.querySelectorAll("[data-begun]")) {
    row.querySelector("[data-give-up]").addEventListener("click", () => giveUp(row));
    row.querySelector("[data-go-on]").addEventListener("click", () => {
      if (row.dataset.received === row.dataset.size) {
        goOn(row, null); // nothing is missing but the server's last word
        return;
      }
      asking = row;
      again.value = ""; // the same file twice is chosen twice
      again.click();
    });
  }
  again.addEventListener("change", () => {
    const [file] = again.files;
    if (!file) return;
    const words = refusal(asking, file);
    tell(asking, words);
    if (!words) goOn(asking, file);
  });
  list.hidden = false;
}

export function remove(row) {
  row.remove();
  list.hidden = list.querySelector("[data-begun]") === null;
}

/** Words beside a row, or none any more. */
export function tell(row, words) {
  row.querySelector("[data-fault]")?.remove();
  if (!words) return;
  const line = document.createElement("p");
  Object.assign(line, { className: "fault", role: "alert", textContent: words });
  line.dataset.fault = "";
  row.append(line);
}

/** Why this is not the file that the upload began with; "" if it may be. Its hash decides later. */
function refusal(row, file) {
  const { fileName, size: bytes, modified } = row.dataset;
  const time = modified === "" ? null : Math.round(Number(modified) * 1000);
  const same = file.name === fileName && file.size === Number(bytes);
  if (same && (time === null || file.lastModified === time)) return "";
  return `expected ${about(fileName, Number(bytes), time)}; got ${about(file.name, file.size, file.lastModified)}`;
}

function about(name, bytes, time) {
  const changed = time === null ? "" : `, last changed ${new Date(time).toLocaleString()}`;
  return `${name} of ${bytes} bytes (${size(bytes)})${changed}`;
}
