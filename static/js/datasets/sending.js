// Sends one file in parts, and goes on after a broken connection. What has arrived is asked of the
// server each time; nothing is remembered here that a closed page would lose.

import { Sha256 } from "./sha256.js";

const PART = 8 << 20; // bytes
const SLICE = 1 << 20; // bytes that are hashed without a pause
const PAUSES = [1, 2, 4, 8, 15, 30]; // seconds before each try; the last for all that follow
const MEDIA = "application/offset+octet-stream";
const SPEED_OVER = 5_000; // ms
const STORING = 1_000; // ms between two looks whether the server is done

/** What the server will not do: [[field, words], …]. */
export class Refused extends Error {
  constructor(faults) {
    super(faults.map((fault) => fault.join(": ")).join("; "));
    this.faults = faults;
  }
}

class Broken extends Error {}
class Halted extends Error {}

/** Calls the API as the person who is signed in; Broken where trying again may help. */
async function call(method, path, token, body) {
  const headers = { "X-CSRFToken": token, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Broken();
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  throw refusal(answer.status, await answer.text());
}

function refusal(status, text) {
  if (status >= 500 || status === 429) return new Broken();
  if (status === 401) return new Refused([["file", "you are signed out; sign in, and this page lists what has arrived"]]);
  if (status === 404) return new Refused([["file", "this upload is gone: it was given up, or nobody went on for three days"]]);
  const { field, message, hint } = JSON.parse(text);
  const words = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
  const more = hint?.startsWith("Also: ") ? `. ${hint}` : "";
  return new Refused([[field ?? "file", words + more]]);
}

/** An upload of this file that has begun: its id is on the server from now on. */
export function begin(fields, token) {
  return call("POST", "/api/v1/uploads", token, fields);
}

export function giveUp(id, token) {
  return call("DELETE", `/api/v1/uploads/${id}`, token);
}

export class Sending {
  #hash = new Sha256();
  #digest = null;
  #request = null;
  #breaks = 0; // since a part arrived
  #halted = false;
  #wake = () => {};
  #arrived = []; // [when, bytes] of the last seconds

  /**
   * @param {string} id of the upload
   * @param {File | null} file null where all its bytes have arrived
   * @param {(state: object) => void} show {phase, offset, size, speed?, pause?}
   */
  constructor(id, file, size, { token, show }) {
    Object.assign(this, { path: `/api/v1/uploads/${id}`, file, size, token, show });
  }

  /** Stops after what is on its way, which the server keeps; `send` goes on. */
  pause() {
    this.#halted = true;
    this.#request?.abort();
    this.#wake();
  }

  /** The dataset that it became, or null where it was paused; Refused where it cannot go on. */
  async send() {
    this.#halted = false;
    for (;;) {
      try {
        const upload = await call("GET", this.path, this.token);
        if (upload.version) return upload.dataset;
        await this.#parts(upload.offset);
      } catch (error) {
        if (error instanceof Halted) return null;
        if (!(error instanceof Broken)) throw error;
        await this.#wait(PAUSES[Math.min(this.#breaks, PAUSES.length - 1)]);
        this.#breaks += 1;
        if (this.#halted) return null;
      }
    }
  }

  /** From `offset` to the end, as long as nothing breaks. */
  async #parts(offset) {
    this.#arrived = [];
    await this.#read(offset, (done) => this.show({ phase: "reading", offset: done, size: this.size }));
    do {
      const end = Math.min(offset + PART, this.size);
      if (end === this.size) await this.#read(end); // its hash goes with the last part
      // Both to their end, also where one fails: a file is read once, in order.
      const [sent, read] = await Promise.allSettled([this.#part(offset, end), this.#read(end)]);
      for (const { status, reason } of [sent, read]) if (status === "rejected") throw reason;
      if (sent.value.storing) return this.#sleep(STORING);
      offset = sent.value.offset;
      this.#breaks = 0;
      if (this.#halted) throw new Halted();
    } while (offset < this.size);
  }

  /** Sends the bytes from `start` to `end`: where the next part begins. */
  #part(start, end) {
    const request = new XMLHttpRequest(); // fetch does not tell how much has gone
    this.#request = request;
    const last = end === this.size;
    return new Promise((resolve, reject) => {
      request.upload.addEventListener("progress", ({ loaded }) => this.#progress(start + loaded));
      request.addEventListener("load", () => {
        const { status, responseText } = request;
        const offset = Number(request.getResponseHeader("Upload-Offset") ?? start);
        const storing = status === 409 && JSON.parse(responseText).field === "state";
        if (status === 204 || status === 409) resolve({ offset, storing });
        else reject(refusal(status, responseText));
      });
      request.addEventListener("error", () => reject(new Broken()));
      request.addEventListener("abort", () => reject(new Halted()));
      request.open("PATCH", this.path);
      request.setRequestHeader("X-CSRFToken", this.token);
      request.setRequestHeader("Content-Type", MEDIA);
      request.setRequestHeader("Upload-Offset", String(start));
      if (last && this.file) {
        this.#digest ??= this.#hash.base64();
        request.setRequestHeader("Repr-Digest", `sha-256=:${this.#digest}:`);
      }
      this.#progress(start);
      request.send(this.file ? this.file.slice(start, end) : new Blob());
    });
  }

  #progress(offset) {
    const now = performance.now();
    this.#arrived = this.#arrived.filter(([when]) => now - when < SPEED_OVER);
    this.#arrived.push([now, offset]);
    const [began, from] = this.#arrived[0];
    const speed = now - began > 500 ? ((offset - from) / (now - began)) * 1000 : null;
    this.show({ phase: offset < this.size ? "sending" : "storing", offset, size: this.size, speed });
  }

  /** Hashes the file up to `end`, once. */
  async #read(end, tell = () => {}) {
    while (this.file && this.#hash.length < end) {
      if (this.#halted) throw new Halted();
      const start = this.#hash.length;
      const slice = this.file.slice(start, Math.min(start + SLICE, end));
      let bytes;
      try {
        bytes = await slice.arrayBuffer();
      } catch {
        throw new Refused([["file", "it cannot be read any more; was it changed or moved?"]]);
      }
      this.#hash.update(new Uint8Array(bytes));
      tell(this.#hash.length);
    }
  }

  /** After a break: until the pause is over, the network is back, or somebody pauses. */
  async #wait(pause) {
    this.show({ phase: "waiting", pause, size: this.size });
    const online = () => this.#wake();
    window.addEventListener("online", online);
    await this.#sleep(pause * 1000);
    window.removeEventListener("online", online);
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = window.setTimeout(resolve, ms);
      this.#wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }
}
