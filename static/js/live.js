// The page's one socket: follow jobs without a gap, watch a team's list, ask what-if questions.
//
//   live().follow(jobId, {since, onMessage, onGap})   -> stop()
//   live().team(teamId, onMessage)                    -> stop()
//   live().ask(jobId, question, set)                  -> Promise of the answer
//   live().warm(jobId, onLater)                       -> Promise, kept once questions are fast;
//                                                        `onLater` hears that the job still runs
//
// A job's messages carry `seq`, one more each time. Where one is missing, `onGap` must fetch
// everything anew and return (a promise of) the `seq` up to which the page is then complete;
// what arrives meanwhile waits. Nothing is missed, nothing is drawn twice. `onMessage` answers
// `false` to a message that does not hold all that its page shows: that is a gap too.
//
// `document` gets an event "live" with `detail.state`: "open", "lost" (trying again),
// "resting" (the tab is hidden) or "signed-out" (it will not come back).

/**
 * @typedef {{job?: string, seq: number, [field: string]: any}} Message
 * @typedef {{since: number, onMessage: (message: Message) => unknown,
 *            onGap: () => number | Promise<number>}} Follow
 * @typedef {{last: number, waiting: Message[], filling: boolean, stopped: boolean} & Follow} Follower
 * @typedef {{resolve: (value: any) => void, reject: (fault: Error) => void,
 *            onLater: () => void, timer: number}} Promised
 */

const SIGNED_OUT = 4401;
const FIRST_WAIT = 500; // ms before the first try to reconnect; doubled up to the longest
const LONGEST_WAIT = 30_000;
const ANSWER_WAIT = 65_000; // ms; the server gives up a question after 60 s
const REST_AFTER = 5_000; // ms that a tab stays hidden before it unsubscribes

/** @type {Live | undefined} */
let shared;

/** The page's socket, opened when it is first needed. */
export function live() {
  shared ??= new Live();
  return shared;
}

class Live {
  constructor() {
    /** @type {WebSocket | undefined} */
    this.socket = undefined;
    /** @type {Map<string, Set<Follower>>} */
    this.followers = new Map();
    /** @type {Map<string, Set<(message: any) => void>>} */
    this.watchers = new Map();
    /** @type {Map<string, Promised>} */
    this.promised = new Map();
    /** @type {object[]} */
    this.unsent = [];
    this.failures = 0;
    this.asked = 0;
    this.retry = 0;
    this.rest = 0;
    this.signedOut = false;
    document.addEventListener("visibilitychange", () => this.#visibility());
    window.addEventListener("online", () => this.#wake());
    window.addEventListener("pageshow", () => this.#wake());
  }

  /**
   * @param {string} jobId
   * @param {Follow} follow
   * @returns {() => void}
   */
  follow(jobId, { since, onMessage, onGap }) {
    const topic = `job.${jobId}`;
    const follower = { since, onMessage, onGap, last: since, waiting: [], filling: false, stopped: false };
    // Subscribing again is answered with the present seq: a second follower catches up too.
    this.#join(this.followers, topic, follower);
    return () => {
      follower.stopped = true;
      this.#part(this.followers, topic, follower);
    };
  }

  /**
   * @param {string} teamId
   * @param {(message: any) => void} onMessage
   * @returns {() => void}
   */
  team(teamId, onMessage) {
    const topic = `team.${teamId}`;
    this.#join(this.watchers, topic, onMessage);
    return () => this.#part(this.watchers, topic, onMessage);
  }

  /**
   * @param {string} jobId
   * @param {string} question
   * @param {object} set
   * @returns {Promise<any>} the answer; rejected with an Error that says why there is none
   */
  ask(jobId, question, set = {}) {
    const id = String(++this.asked);
    return this.#promise(`ask ${id}`, { ask: id, job: jobId, question, set });
  }

  /**
   * @param {string} jobId
   * @param {() => void} onLater
   * @returns {Promise<any>}
   */
  warm(jobId, onLater) {
    return this.#promise(`warm ${jobId}`, { warm: jobId }, onLater);
  }

  #promise(key, message, onLater = () => {}) {
    return new Promise((resolve, reject) => {
      this.promised.get(key)?.reject(new Error("asked again"));
      const late = () => this.#settle(key, { ok: false, error: "no answer came" });
      const timer = window.setTimeout(late, ANSWER_WAIT);
      this.promised.set(key, { resolve, reject, onLater, timer });
      this.#send(message);
      this.#wake();
    });
  }

  /** A running job's page waits until the job has ended, however long that takes. */
  #postpone(key) {
    const promised = this.promised.get(key);
    if (!promised) return;
    window.clearTimeout(promised.timer);
    promised.onLater();
  }

  #settle(key, { ok, answer, error }) {
    const promised = this.promised.get(key);
    if (!promised) return;
    this.promised.delete(key);
    window.clearTimeout(promised.timer);
    if (ok) promised.resolve(answer);
    else promised.reject(new Error(error || "no answer"));
  }

  #join(map, topic, member) {
    if (!map.has(topic)) map.set(topic, new Set());
    map.get(topic).add(member);
    if (this.#isOpen()) this.#send({ sub: topic });
    this.#wake();
  }

  #part(map, topic, member) {
    const members = map.get(topic);
    if (!members?.delete(member) || members.size > 0) return;
    map.delete(topic);
    if (this.#isOpen()) this.#send({ unsub: topic });
  }

  #isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  #send(message) {
    if (this.#isOpen()) this.socket.send(JSON.stringify(message));
    else this.unsent.push(message);
  }

  /** Open the socket if something needs it and nothing forbids it. */
  #wake() {
    window.clearTimeout(this.rest);
    const needed = this.followers.size + this.watchers.size + this.promised.size > 0;
    const there = this.socket && this.socket.readyState <= WebSocket.OPEN;
    if (!needed || there || this.signedOut) return;
    if (document.hidden && this.promised.size === 0) return;
    window.clearTimeout(this.retry);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/live`);
    this.socket = socket;
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#heard(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.socket === socket) this.#closed(event.code);
    });
  }

  #opened() {
    this.failures = 0;
    for (const [topic, members] of this.followers) {
      const since = Math.min(...[...members].map((member) => member.last));
      this.#send({ sub: topic, since });
    }
    for (const topic of this.watchers.keys()) this.#send({ sub: topic });
    for (const message of this.unsent.splice(0)) this.#send(message);
    tell("open");
  }

  #closed(code) {
    this.socket = undefined;
    this.unsent = [];
    for (const key of [...this.promised.keys()]) {
      this.#settle(key, { ok: false, error: "the connection was lost" });
    }
    if (code === SIGNED_OUT) {
      this.signedOut = true;
      tell("signed-out");
    } else if (document.hidden) {
      tell("resting");
    } else {
      tell("lost");
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.failures++);
      window.clearTimeout(this.retry);
      this.retry = window.setTimeout(() => this.#wake(), wait * (0.75 + Math.random() / 2));
    }
  }

  #visibility() {
    window.clearTimeout(this.rest);
    if (document.hidden) {
      this.rest = window.setTimeout(() => this.socket?.close(), REST_AFTER);
    } else {
      this.failures = 0;
      this.#wake();
    }
  }

  #heard(message) {
    if ("subbed" in message) this.#subscribed(message.subbed, message.seq);
    else if ("answered" in message) this.#settle(`ask ${message.answered}`, message);
    else if ("warm" in message) this.#warmth(`warm ${message.job}`, message);
    else if ("fault" in message) console.warn("live:", message.fault.where, message.fault.expected);
    else if ("seq" in message) this.#news(message);
    else this.#list(message);
  }

  #warmth(key, { warm, error }) {
    if (warm === null) this.#postpone(key);
    else this.#settle(key, { ok: warm, error });
  }

  #subscribed(topic, seq) {
    for (const follower of this.followers.get(topic) ?? []) {
      if (seq > follower.last) this.#fill(follower);
    }
  }

  #news(message) {
    for (const follower of this.followers.get(`job.${message.job}`) ?? []) this.#take(follower, message);
  }

  #list(message) {
    for (const members of this.watchers.values()) {
      for (const onMessage of members) onMessage(message);
    }
  }

  /** @param {Follower} follower @param {Message} message */
  #take(follower, message) {
    if (follower.filling) {
      follower.waiting.push(message);
    } else if (message.seq === follower.last + 1) {
      follower.last = message.seq;
      if (follower.onMessage(message) === false) this.#fill(follower);
    } else if (message.seq > follower.last) {
      this.#fill(follower);
    }
  }

  /** Fetch what is missing, then take what came meanwhile. @param {Follower} follower */
  async #fill(follower) {
    if (follower.filling) return;
    follower.filling = true;
    await insist(async () => {
      if (!follower.stopped) follower.last = await follower.onGap();
    });
    follower.filling = false;
    for (const message of follower.waiting.splice(0)) {
      if (!follower.stopped) this.#take(follower, message);
    }
  }
}

/**
 * Fetch something, again and again with growing waits while that fails.
 * @template T
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function insist(act) {
  for (let wait = FIRST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await act();
    } catch (fault) {
      console.warn("live: could not fetch what was missed", fault);
      await new Promise((resolve) => window.setTimeout(resolve, wait));
    }
  }
}

function tell(state) {
  document.dispatchEvent(new CustomEvent("live", { detail: { state } }));
}
