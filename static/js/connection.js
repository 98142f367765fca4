// Says when the page's socket is gone, so that nobody takes old numbers for new ones.

const SAID_AFTER = 2_000; // ms; a connection that is back sooner has missed nothing

const notice = document.querySelector("[data-connection]");
let timer = 0;

function show(state) {
  for (const each of notice.children) each.hidden = each.dataset.when !== state;
  notice.hidden = false;
}

document.addEventListener("live", ({ detail: { state } }) => {
  if (!notice) return;
  if (state === "lost") {
    timer ||= window.setTimeout(() => show("lost"), SAID_AFTER);
    return;
  }
  window.clearTimeout(timer);
  timer = 0;
  if (state === "signed-out") show("signed-out");
  else notice.hidden = true;
});
