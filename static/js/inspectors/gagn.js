// GAgN's inspector: the training is live from the start; the rest is drawn once its files are there.

import { feed } from "../jobs/feed.js";
import { ego } from "./gagn-ego.js";
import { influence } from "./gagn-influence.js";
import { ledger } from "./gagn-ledger.js";
import { quality } from "./gagn-quality.js";
import { training } from "./gagn-training.js";
import { whatIf } from "./gagn-whatif.js";

const about = JSON.parse(document.getElementById("inspector-data").textContent);
const files = new Map(Object.entries(about.files));
let begun = false;

async function read(path) {
  const answer = await fetch(about.address.replace(about.place, files.get(path)));
  if (!answer.ok) throw new Error(`${path} could not be loaded (${answer.status})`);
  return answer.json();
}

async function begin() {
  if (begun || !about.wanted.every((path) => files.has(path))) return;
  begun = true;
  const [nodes, edges, overview] = await Promise.all(about.wanted.map(read));
  const found = { job: about.job, nodes, edges, overview, near: neighbours(nodes, edges) };
  document.querySelector("[data-waiting]").hidden = true;
  document.querySelector("[data-results]").hidden = false;
  const shown = ego(found);
  const list = ledger(found, (node) => shown.show(node));
  whatIf(found, (verdict) => {
    list.judge(verdict);
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
feed().on("artifacts", (more) => {
  for (const { id, path } of more) files.set(path, id);
  begin();
});
begin();
