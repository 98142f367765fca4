// Numbers in sentences.

export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** Three digits without the zero before the point, as shares are told. */
export const share = (value) => (value === null || value === undefined ? "–" : value.toFixed(3).replace(/^(-?)0(?=\.)/, "$1").replace("-", "−"));
