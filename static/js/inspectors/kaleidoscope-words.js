// Cycles, nanoseconds, bytes and figures in words.

export const known = (value) => value !== null && value !== undefined;

/** One decimal where there is one. */
export const round = (value) => (known(value) ? String(Number(value.toFixed(1))).replace("-", "−") : "–");

export const nanoseconds = (cycles, megahertz) => (cycles * 1000) / megahertz;

export const count = (value) => (known(value) ? value.toLocaleString("en") : "–");

export const percent = (value) => (known(value) ? `${round(100 * value)} %` : "–");

/** What models are judged by: accuracy, or AUROC where they tell anomalies. */
export const measureOf = (models) =>
  models.some(({ accuracy }) => known(accuracy)) ? { key: "accuracy", title: "accuracy" } : { key: "auroc", title: "AUROC" };

export const hex = (value) => value.toString(16).padStart(2, "0");

export const ascii = (value) => (value > 32 && value < 127 ? String.fromCharCode(value) : "·");

/** "Flow 12: tcp 10.0.0.1:443 → …" */
export const flowName = (flow, row) => `Flow ${flow}: ${row.l4} ${row.src}:${row.sport} → ${row.dst}:${row.dport}`;
