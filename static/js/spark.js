// A curve without axes, 40 pixels high: <svg class="spark" viewBox="0 0 100 30"><polyline/></svg>.

const WIDTH = 100;
const HEIGHT = 30;

/**
 * @param {SVGSVGElement} svg
 * @param {(number | null)[]} values
 */
export function spark(svg, values) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  const least = Math.min(...known);
  const span = Math.max(...known) - least || 1;
  const step = WIDTH / Math.max(1, known.length - 1);
  const points = known.map(
    (value, at) => `${(at * step).toFixed(2)},${(HEIGHT - ((value - least) / span) * HEIGHT).toFixed(2)}`,
  );
  svg.querySelector("polyline").setAttribute("points", points.join(" "));
}
