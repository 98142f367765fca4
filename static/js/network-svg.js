// A network as it is seen now, as a file.

/** @param {import("./network.js").Network} network */
export function svg(network) {
  const { u, v } = network.graph;
  const line = (edge) => {
    const [a, b] = [network.spot(u[edge]), network.spot(v[edge])];
    return network.crosses(a, b) ? `M${a.x.toFixed(1)} ${a.y.toFixed(1)}L${b.x.toFixed(1)} ${b.y.toFixed(1)}` : "";
  };
  const groups = [...network.look.edges, { of: network.marked.edges, colour: network.look.mark, width: 1.25 }];
  const lines = groups.map(({ of, colour, width = 1, dash }) => {
    const dashes = dash ? ` stroke-dasharray="${dash.join(" ")}"` : "";
    return `<path fill="none"${shade("stroke", colour)} stroke-width="${width}"${dashes} d="${of.map(line).join("")}"/>`;
  });
  const radius = network.radius();
  const dot = (node, size, ring = "") => {
    const spot = network.spot(node);
    if (!network.isSeen(spot, size)) return "";
    const place = `cx="${spot.x.toFixed(1)}" cy="${spot.y.toFixed(1)}" r="${size.toFixed(1)}"`;
    return `<circle ${place}${shade("fill", network.look.nodes(node))}${ring}/>`;
  };
  const dots = network.graph.x.map((_, node) => dot(node, radius));
  const ring = `${shade("stroke", network.look.mark)} stroke-width="2"`;
  const marked = network.marked.node < 0 ? "" : dot(network.marked.node, radius + 4, ring);
  const size = `width="${network.width}" height="${network.height}"`;
  const ground = `<rect ${size}${shade("fill", network.look.ground)}/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${ground}${lines.join("")}${dots.join("")}${marked}</svg>`;
}

/** A colour as two attributes: not every program reads rgba(). */
function shade(attribute, colour) {
  const [, r, g, b, share] = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(colour);
  const through = share ? ` ${attribute}-opacity="${share}"` : "";
  return ` ${attribute}="rgb(${r},${g},${b})"${through}`;
}
