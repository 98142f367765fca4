// The actions of a drawing that is not Plotly's, as a chart has them: PNG, SVG, CSV.

import { actionBar, button, save } from "./chart-actions.js";
import { csv } from "./chart-table.js";
import { colour } from "./palette.js";

const SCALE = 2; // of a PNG, as of a chart's
const LOOK = [
  "fill", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "paint-order",
  "font-family", "font-size", "text-anchor",
];
const OF_THE_PAGE = ["class", "role", "tabindex"];

/**
 * What is drawn, and so its name, may be another one at each click.
 * @param {string} title
 * @param {{name: () => string, svg: () => SVGSVGElement,
 *          table: () => {columns: string[], rows: any[][]}}} shown
 */
export function drawingActions(title, { name, svg, table }) {
  return actionBar(
    title,
    button("PNG", "Save as PNG", async () => save(await png(alone(svg())), `${name()}.png`)),
    button("SVG", "Save as SVG", () => save(new Blob([alone(svg()).text], { type: "image/svg+xml" }), `${name()}.svg`)),
    button("CSV", "Save the numbers as CSV", () => save(new Blob([csv(table())], { type: "text/csv" }), `${name()}.csv`)),
  );
}

/** The drawing as a file: what the style sheets say of it stands in it, on the page's ground. */
function alone(svg) {
  const copy = svg.cloneNode(true);
  const parts = copy.querySelectorAll("*");
  svg.querySelectorAll("*").forEach((part, at) => {
    const look = getComputedStyle(part);
    for (const property of LOOK) parts[at].setAttribute(property, look.getPropertyValue(property));
    for (const attribute of OF_THE_PAGE) parts[at].removeAttribute(attribute);
  });
  const { x, y, width, height } = svg.viewBox.baseVal;
  const ground = document.createElementNS(svg.namespaceURI, "rect");
  for (const [key, value] of Object.entries({ x, y, width, height, fill: colour("--ground") })) {
    ground.setAttribute(key, value);
  }
  copy.prepend(ground);
  copy.setAttribute("role", "img");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

async function png({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * width;
  canvas.height = SCALE * height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
