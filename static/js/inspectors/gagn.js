// GAgN's inspector: the training is live from the start; the rest is drawn once its files are there.

import { about, whenThere } from "./files.js";
import { ego } from "./gagn-ego.js";
import { influence } from "./gagn-influence.js";
import { ledger } from "./gagn-ledger.js";
import { network } from "./gagn-network.js";
import { quality } from "./gagn-quality.js";
import { training } from "./gagn-training.js";
import { whatIf } from "./gagn-whatif.js";

async function draw() {
  const [nodes, edges, overview] = await whenThere();
  const found = { job: about.job, nodes, edges, overview, near: neighbours(nodes, edges) };
  document.querySelector("[data-waiting]").hidden = true;
  document.querySelector("[data-results]").hidden = false;
  const map = network(found, (node) => shown.show(node));
  const shown = ego(found, (node) => map.mark(node));
  const list = ledger(found, (node) => shown.show(node));
  whatIf(found, (verdict) => {
    list.judge(verdict);
    map.judge(verdict);
    shown.judge(verdict);
  });
  influence(found);
  quality(found);
}

/** For every node the edges at it, as positions in the edge list. */
function neighbours(nodes, edges) {
  const near = nodes.id.map(() => []);
  edges.u.forEach((u, at) => {
    near[u].push(at);
    near[edges.v[at]].push(at);
  });
  return near;
}

training();
draw();
