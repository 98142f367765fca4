// A signal is its changes: [cycle, value], by cycle. Values too wide for a number are hexadecimal
// text; nothing is a value that the simulator does not know.

/** The place of the last change up to a cycle; −1 before the first. */
export function placeAt({ changes }, cycle) {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle][0] <= cycle) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export const valueAt = (signal, cycle) => signal.changes[placeAt(signal, cycle)]?.[1] ?? null;

/** The cycle of the change before or after this cycle. */
export function changeFrom(signal, cycle, direction) {
  const place = placeAt(signal, cycle);
  if (direction > 0) return signal.changes[place + 1]?.[0];
  const here = signal.changes[place]?.[0];
  return here < cycle ? here : signal.changes[place - 1]?.[0];
}

/** @param {number} radix 10 or 16 */
export function told({ width, kind }, value, radix) {
  if (value === null) return "x";
  if (kind === "bit") return String(value);
  const number = BigInt(value);
  return radix === 10 ? String(number) : `0x${number.toString(16).padStart(Math.ceil(width / 4), "0")}`;
}
