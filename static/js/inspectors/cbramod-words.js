// What recordings and windows are called, and where windows lie.

/** @param {{overview: any, windows: any, goal: any}} found */
export function words({ overview, windows, goal }) {
  const { recordings, seconds } = overview;
  const count = windows.recording.length;
  const of = recordings.map(() => []); // windows of each recording, in the order of time
  for (let window = 0; window < count; window++) of[windows.recording[window]].push(window);
  for (const some of of) some.sort((a, b) => windows.start[a] - windows.start[b]);
  const time = (value) => String(Number(value.toFixed(2)));
  return {
    count,
    of,
    time,
    recording: (window) => recordings[windows.recording[window]],
    span: (window) => [windows.start[window], windows.start[window] + seconds],
    number: (window) => of[windows.recording[window]].indexOf(window) + 1,
    name: (window) =>
      `${recordings[windows.recording[window]].name}, ${time(windows.start[window])} to ${time(windows.start[window] + seconds)} s`,
    /** "label rest, answered task with .71, wrong" */
    verdict: (window) => goal.verdict({ label: windows.label[window], answer: windows.answer[window], probability: windows.probability[window] }),
  };
}
