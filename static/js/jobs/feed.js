// What a job's page knows and learns: its series so far, then every batch as it is committed.
// Nothing is missed (a gap fetches everything again) and nothing is kept twice (by number `n`).
//
//   feed().withSeries();                    // before start: this page draws curves
//   feed().withLog();                       // before start: this page shows the log
//   feed().on("points", (keys) => …);       // also reset, state, progress, log, artifacts,
//                                           // changes, verifications, page (fresh, after a gap)
//   feed().start();                         // once, by page.js

import { insist, live } from "../live.js";

const POINTS = 1000; // of one series, as the server reduces it
const COLUMNS = ["n", "step", "wall", "value"];
const MOST = 4000; // kept of one series before the page asks for reduced ones again

class Feed {
  constructor(about) {
    this.about = about;
    this.state = about.state;
    this.series = new Map(); // key -> {n, step, wall, value, count}
    this.listeners = new Map();
    this.rewinds = 0;
    this.wanted = false;
    this.logged = false;
    this.due = false; // the stored series are to be fetched,
    this.reloading = false; // and are being fetched
  }

  withSeries() {
    this.wanted = true;
  }

  withLog() {
    this.logged = true;
  }

  /** @param {string} kind @param {(detail: any) => void} listener */
  on(kind, listener) {
    const known = this.listeners.get(kind) ?? [];
    this.listeners.set(kind, [...known, listener]);
  }

  emit(kind, detail) {
    for (const listener of this.listeners.get(kind) ?? []) listener(detail);
  }

  async start() {
    const since = this.wanted ? await insist(() => this.fill()) : this.about.seq;
    live().follow(this.about.id, {
      since,
      onMessage: (message) => this.take(message),
      onGap: () => this.fill(),
    });
  }

  /** All that was missed; answers with the `seq` up to which the page is then complete. */
  async fill() {
    const seq = this.wanted ? await this.load() : null;
    if (seq === this.about.seq) return seq; // the page itself is as new as its series
    // Behind the series, so that no change of state falls between the two.
    const page = await freshPage();
    this.emit("page", page);
    return seq ?? liveOf(page).seq;
  }

  /** @param {{keep?: boolean}} how keep: what the socket brought meanwhile stays */
  async load({ keep = false } = {}) {
    const rewinds = this.rewinds;
    const answer = await fetch(`${this.about.series}?points=${POINTS}`);
    if (!answer.ok) throw new Error(`the curves could not be loaded (${answer.status})`);
    const { seq, series } = await answer.json();
    if (rewinds !== this.rewinds) return this.load({ keep }); // it may hold what is gone by now
    const old = this.series;
    this.series = new Map(Object.entries(series));
    if (keep) for (const [key, { count, ...columns }] of old) this.add(key, columns);
    this.emit("reset");
    return seq;
  }

  /** Take the stored series in the place of what the socket brought. */
  async reload() {
    this.due = true;
    if (this.reloading) return;
    this.reloading = true;
    while (this.due) {
      await insist(() => {
        this.due = false; // asked for from here on, it is fetched once more
        return this.load({ keep: true });
      });
    }
    this.reloading = false;
  }

  /** Answers `false` where the message does not hold all of the log that the page shows. */
  take(message) {
    const rewound = message.rewind !== undefined && message.rewind !== null;
    if (rewound) this.rewind(message.rewind);
    if (this.wanted && message.points) this.append(message.points);
    if (message.progress || message.phase !== undefined) this.emit("progress", message);
    if (message.log) this.emit("log", message.log);
    if (message.artifacts?.length) this.emit("artifacts", message.artifacts);
    if (message.changes?.length) this.emit("changes", message.changes);
    if (message.verifications?.length) this.emit("verifications", message.verifications);
    if (message.state && message.state !== this.state) {
      this.state = message.state;
      this.emit("state", message.state);
      // Live batches are reduced; what stays on the page at the end is what is stored.
      if (this.wanted && ENDED.has(message.state)) this.reload();
    }
    return !(this.logged && (rewound || message.cut));
  }

  append(points) {
    let long = false;
    for (const [key, more] of Object.entries(points)) long = this.add(key, more) || long;
    this.emit("points", Object.keys(points));
    if (long) this.reload();
  }

  /** Add the points of a series that are newer than what is there; says if it grew long. */
  add(key, more) {
    let series = this.series.get(key);
    const last = series?.n.at(-1) ?? 0;
    const from = more.n.findIndex((n) => n > last);
    if (from === -1) return false;
    if (!series) {
      series = { n: [], step: [], wall: [], value: [], count: 0 };
      this.series.set(key, series);
    }
    for (const column of COLUMNS) series[column].push(...more[column].slice(from));
    series.count += more.n.length - from;
    return series.n.length > MOST;
  }

  /** The attempt after a crash starts behind its checkpoint: what came later is gone. */
  rewind(n) {
    this.rewinds += 1;
    for (const [key, series] of this.series) {
      const kept = series.n.filter((one) => one <= n).length;
      for (const column of COLUMNS) series[column].length = kept;
      if (kept === 0) this.series.delete(key);
    }
    this.emit("reset");
  }
}

const liveOf = (page) => JSON.parse(page.getElementById("job-live").textContent);

/** This page as the server has it now. */
export async function freshPage() {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`the page could not be loaded (${answer.status})`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

export const ENDED = new Set(["done", "failed", "cancelled", "lost"]);

let one = null;

export function feed() {
  one ??= new Feed(liveOf(document));
  return one;
}
