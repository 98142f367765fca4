// SHA-256 of bytes that come piece by piece. crypto.subtle wants them all at once, which a
// recording of a gigabyte is too large for, and is missing where a bench is reached by plain HTTP.

/** The first `count` primes. */
function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((p) => n % p)) found.push(n);
  return found;
}

/** The first 32 bits behind the point. */
const behindPoint = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;

const ROUNDS = Int32Array.from(primes(64), (prime) => behindPoint(Math.cbrt(prime)));
const BEGIN = Int32Array.from(primes(8), (prime) => behindPoint(Math.sqrt(prime)));
const BLOCK = 64; // bytes

/** Takes 64 bytes into the state; `w` is room to work in. */
function mix(state, w, bytes, at) {
  for (let n = 0; n < 16; n += 1) {
    const i = at + 4 * n;
    w[n] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
  }
  for (let n = 16; n < 64; n += 1) {
    const x = w[n - 15];
    const y = w[n - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[n] = (w[n - 16] + s0 + w[n - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let n = 0; n < 64; n += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[n] + w[n]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

export class Sha256 {
  #state = BEGIN.slice();
  #rest = new Uint8Array(BLOCK);
  #held = 0; // bytes in `rest`
  #words = new Int32Array(BLOCK);
  length = 0; // bytes that came

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.#held) {
      at = Math.min(BLOCK - this.#held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < BLOCK) return;
      mix(this.#state, this.#words, this.#rest, 0);
      this.#held = 0;
    }
    const [state, words] = [this.#state, this.#words];
    for (; at + BLOCK <= bytes.length; at += BLOCK) mix(state, words, bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#held = bytes.length - at;
  }

  /** The hash as base64; nothing may come after it. */
  base64() {
    const length = this.length;
    const end = new Uint8Array(this.#held < BLOCK - 8 ? BLOCK - this.#held : 2 * BLOCK - this.#held);
    end[0] = 0x80;
    new DataView(end.buffer).setBigUint64(end.length - 8, BigInt(length) * 8n);
    this.update(end);
    const hash = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, n) => hash.setInt32(4 * n, word));
    return btoa(String.fromCharCode(...new Uint8Array(hash.buffer)));
  }
}
