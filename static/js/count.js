// Keeps the rail's number of running jobs true on every page, while somebody looks at it.

const EVERY = 5_000; // ms

const place = document.querySelector("[data-running]");

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(place.dataset.running).catch(() => null); // the server is away: ask again later
  if (answer?.ok && !answer.redirected) place.innerHTML = await answer.text();
}

if (place) {
  setInterval(renew, EVERY);
  document.addEventListener("visibilitychange", renew);
}
