// Sizes and times as the page of uploads says them.

/** @param {number} bytes */
export function size(bytes) {
  const kib = bytes / 1024;
  if (kib >= 1 << 20) return `${(kib / (1 << 20)).toFixed(1)} GiB`;
  return kib >= 1024 ? `${(kib / 1024).toFixed(1)} MiB` : `${Math.ceil(kib)} KiB`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
