// Keeps ages true while a page stays open: <time data-ago datetime="…">3 min ago</time>.

const STEPS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86400, 3600, "h"],
  [86400 * 60, 86400, "d"],
];

/**
 * The same words as the template filter `ago`.
 * @param {Date} moment
 */
export function ago(moment) {
  const seconds = (Date.now() - moment.getTime()) / 1000;
  if (seconds < 5) return "just now";
  for (const [below, size, unit] of STEPS) {
    if (seconds < below) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return moment.toISOString().slice(0, 10);
}

setInterval(() => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("time[data-ago]")) {
    element.textContent = ago(new Date(element.dateTime));
  }
}, 20_000);
