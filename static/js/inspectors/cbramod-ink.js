// How a page of traces is drawn: grounds, grid, traces, guesses, names, axis, scale bar.

import { colour, faint } from "../palette.js";

const DENSE = 2; // samples on a pixel from which on its least and its largest are drawn
const TICKS = [0.5, 1, 2, 5, 10, 20, 30];
const TICK_ROOM = 48; // px

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./cbramod-paper.js").Paper} paper
 */
export function drawPaper(pen, paper) {
  const { left, right, top, bottom, width, height } = paper.box;
  pen.fillStyle = colour("--ground");
  pen.fillRect(0, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, right - left, bottom);
  pen.clip();
  grounds(pen, paper);
  seconds(pen, paper);
  windows(pen, paper);
  pen.beginPath();
  pen.rect(left, top, right - left, bottom - top);
  pen.clip();
  traces(pen, paper);
  pen.restore();
  names(pen, paper);
  axis(pen, paper);
  bar(pen, paper);
}

/** What was rejected, what is chosen, what is hidden. */
function grounds(pen, paper) {
  const { top, bottom } = paper.box;
  const { bad, hidden, start } = paper.page;
  const stretch = (from, to, y, high) => pen.fillRect(paper.x(from), y, Math.max(1.5, paper.x(to) - paper.x(from)), high);
  if (paper.marked) {
    pen.fillStyle = colour("--tint");
    stretch(...paper.marked, 0, bottom);
  }
  pen.fillStyle = faint("--failed", 0.16);
  for (const [from, to] of bad) stretch(from, to, top, bottom - top);
  if (!hidden) return;
  pen.fillStyle = faint("--muted", 0.22);
  hidden.forEach((row, channel) => {
    row.forEach((is, second) => {
      if (is) stretch(start + second, start + second + 1, paper.line(channel) - paper.row() / 2, paper.row());
    });
  });
}

/** A faint line at each second that an axis would name. */
function seconds(pen, paper) {
  const { top, bottom } = paper.box;
  pen.strokeStyle = faint("--muted", 0.25);
  pen.lineWidth = 1;
  pen.beginPath();
  for (const time of ticks(paper, 1)) {
    const x = Math.round(paper.x(time)) + 0.5;
    pen.moveTo(x, top);
    pen.lineTo(x, bottom);
  }
  pen.stroke();
}

function windows(pen, paper) {
  const { top, bottom } = paper.box;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  for (const { from, to, text, slot, wrong } of paper.page.windows) {
    const x = Math.round(paper.x(from)) + 0.5;
    const room = paper.x(to) - x;
    pen.strokeStyle = faint("--ink", 0.5);
    pen.lineWidth = 1;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    for (const border of [x, Math.round(paper.x(to)) + 0.5]) {
      pen.moveTo(border, 0);
      pen.lineTo(border, bottom);
    }
    pen.stroke();
    pen.setLineDash([]);
    if (slot) {
      pen.fillStyle = colour(`--series-${slot}`);
      pen.fillRect(x + 1, 0, room - 2, 3);
    }
    pen.fillStyle = colour(wrong ? "--failed" : "--muted");
    if (room > 12) pen.fillText(fit(pen, text, room - 8), x + 4, top / 2 + 2);
  }
}

function fit(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let cut = text;
  while (cut && pen.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return cut ? `${cut}…` : "";
}

function traces(pen, paper) {
  const { signal, guess, hidden, sfreq } = paper.page;
  pen.lineJoin = "round";
  pen.lineWidth = 1;
  pen.strokeStyle = colour("--ink");
  signal.forEach((values, channel) => trace(pen, paper, channel, values, 0, values.length));
  if (!guess) return;
  pen.strokeStyle = colour("--series-6");
  pen.lineWidth = 1.5;
  guess.forEach((values, channel) => {
    for (const [from, to] of runs(hidden[channel])) {
      trace(pen, paper, channel, values, Math.round(from * sfreq), Math.round(to * sfreq));
    }
  });
}

/** Seconds that follow each other, as [from, to]. */
function runs(row) {
  const found = [];
  row.forEach((is, second) => {
    if (!is) return;
    if (found.at(-1)?.[1] === second) found.at(-1)[1] = second + 1;
    else found.push([second, second + 1]);
  });
  return found;
}

function trace(pen, paper, channel, values, from, to) {
  const { start, sfreq } = paper.page;
  const step = paper.x(start + 1 / sfreq) - paper.x(start);
  const x = (at) => paper.x(start) + at * step;
  pen.beginPath();
  if (step * DENSE >= 1) {
    for (let at = from; at < to; at++) pen.lineTo(x(at), paper.y(channel, values[at]));
  } else {
    for (let pixel = Math.floor(x(from)); pixel < x(to); pixel++) {
      const first = Math.max(from, Math.ceil((pixel - x(0)) / step));
      const last = Math.min(to, Math.ceil((pixel + 1 - x(0)) / step));
      if (first >= last) continue;
      let [low, high] = [values[first], values[first]];
      for (let at = first + 1; at < last; at++) {
        if (values[at] < low) low = values[at];
        else if (values[at] > high) high = values[at];
      }
      pen.lineTo(pixel + 0.5, paper.y(channel, values[first]));
      pen.lineTo(pixel + 0.5, paper.y(channel, low));
      pen.lineTo(pixel + 0.5, paper.y(channel, high));
      pen.lineTo(pixel + 0.5, paper.y(channel, values[last - 1]));
    }
  }
  pen.stroke();
}

function names(pen, paper) {
  const { channels, hidden } = paper.page;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const [ink, accent] = [colour("--ink"), colour("--accent")];
  channels.forEach((name, channel) => {
    pen.fillStyle = hidden?.[channel].every(Boolean) ? accent : ink;
    pen.fillText(name, paper.box.left - 6, paper.line(channel));
  });
}

/** Round times on this page, some `room` px apart. */
function ticks(paper, least = 0) {
  const { left, right } = paper.box;
  const { start, seconds: all } = paper.page;
  const wanted = (TICK_ROOM * all) / (right - left);
  const step = TICKS.find((one) => one >= Math.max(least, wanted)) ?? TICKS.at(-1);
  const found = [];
  for (let at = Math.ceil(start / step - 1e-6); at * step <= start + all + 1e-6; at++) found.push(at * step);
  return found;
}

function axis(pen, paper) {
  const { left, right, bottom } = paper.box;
  pen.strokeStyle = colour("--edge");
  pen.lineWidth = 1;
  pen.fillStyle = colour("--muted");
  pen.textAlign = "center";
  pen.textBaseline = "top";
  pen.beginPath();
  pen.moveTo(left, bottom + 0.5);
  pen.lineTo(right, bottom + 0.5);
  for (const time of ticks(paper)) {
    const x = Math.round(paper.x(time)) + 0.5;
    pen.moveTo(x, bottom);
    pen.lineTo(x, bottom + 4);
    pen.fillText(String(Number(time.toFixed(1))), x, bottom + 7);
  }
  pen.stroke();
  pen.textAlign = "left";
  pen.fillText("s", right + 12, bottom + 7);
}

/** As long as the gain says, or some lines of it where lines are narrow. */
function bar(pen, paper) {
  const { right, bottom } = paper.box;
  const lines = Math.min(paper.page.channels.length, Math.max(1, Math.ceil(24 / paper.row())));
  const high = lines * paper.row();
  const x = right + 10.5;
  pen.strokeStyle = colour("--ink");
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(x - 3, bottom - high);
  pen.lineTo(x + 3, bottom - high);
  pen.moveTo(x, bottom - high);
  pen.lineTo(x, bottom);
  pen.moveTo(x - 3, bottom);
  pen.lineTo(x + 3, bottom);
  pen.stroke();
  pen.fillStyle = colour("--ink");
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(`${lines * paper.gain}`, x + 6, bottom - high / 2 - 6);
  pen.fillText("µV", x + 6, bottom - high / 2 + 6);
}
