// Keeps a part of a page up to date while somebody looks at it:
// <div data-refresh="/address" data-every="2" data-idle="10">; `data-busy` inside means "every".

/** @param {HTMLElement} part */
function keep(part) {
  const next = () => {
    const busy = part.querySelector("[data-busy]") !== null;
    setTimeout(renew, 1000 * Number(busy ? part.dataset.every : part.dataset.idle));
  };
  const renew = async () => {
    // Not while nobody looks, nor under the fingers of somebody who uses it.
    if (!document.hidden && !part.contains(document.activeElement) && !part.querySelector("dialog[open]")) {
      try {
        const answer = await fetch(part.dataset.refresh, { headers: { "HX-Request": "true" } });
        if (answer.redirected) location.reload(); // signed out
        if (answer.ok) {
          part.innerHTML = await answer.text();
          part.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
        }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // the server is away: try again later
      }
    }
    next();
  };
  next();
}

for (const part of document.querySelectorAll("[data-refresh]")) keep(part);
