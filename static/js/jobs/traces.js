// From the columns of a series to what a chart draws.

/** Exponential smoothing with the weight of the past; gaps stay gaps. */
export function smooth(values, weight) {
  if (weight === 0) return values;
  let past = 0;
  let share = 0; // how much of the average is filled: without it the start would lean to 0
  return values.map((value) => {
    if (value === null) return null;
    past = past * weight + value * (1 - weight);
    share = share * weight + (1 - weight);
    return past / share;
  });
}

/** @param {"step" | "relative" | "wall"} axis */
export function places(series, axis, origin) {
  if (axis === "wall") return series.wall.map((second) => new Date(second * 1000).toISOString());
  if (axis === "relative") return series.wall.map((second) => second - origin);
  return [...series.step];
}

const TITLES = { step: "step", relative: "seconds since the start", wall: "clock (UTC)" };

export function layout({ axis = "step", log = false } = {}) {
  return {
    xaxis: { title: { text: TITLES[axis] }, ...(axis === "wall" ? { type: "date" } : {}) },
    yaxis: log ? { type: "log" } : {},
    showlegend: false,
  };
}

/** `job` gives the colour, the same on all pages. */
export function traces(key, series, { job, axis = "step", weight = 0, origin = 0 } = {}) {
  const x = places(series, axis, origin);
  const mode = series.value.length > 1 ? "lines" : "markers";
  const line = { type: "scatter", name: key, x, y: smooth([...series.value], weight), mode, job };
  if (weight === 0) return [line];
  const raw = { ...line, name: `${key}, as logged`, y: [...series.value], opacity: 0.3 };
  return [raw, line];
}
