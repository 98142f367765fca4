// Kaleidoscope's inspector: training and simulation are live from the start; the rest is drawn once
// its files are there.

import { about, whenThere } from "./files.js";
import { accuracy } from "./kaleidoscope-accuracy.js";
import { cores } from "./kaleidoscope-cores.js";
import { elephants } from "./kaleidoscope-elephants.js";
import { flowList } from "./kaleidoscope-flows.js";
import { head } from "./kaleidoscope-head.js";
import { latency } from "./kaleidoscope-latency.js";
import { load } from "./kaleidoscope-load.js";
import { packet } from "./kaleidoscope-packet.js";
import { proof } from "./kaleidoscope-proof.js";
import { spread } from "./kaleidoscope-spread.js";
import { training } from "./kaleidoscope-training.js";
import { waves } from "./kaleidoscope-wave.js";
import { whatIf } from "./kaleidoscope-whatif.js";

async function draw() {
  const [overview, flows] = await whenThere();
  const found = { job: about.job, overview, flows };
  document.querySelector("[data-waiting]").hidden = true;
  document.querySelector("[data-results]").hidden = false;
  head(overview);
  accuracy(overview);
  const parts = [flowList(flows, choose), packet(found), waves(found)];
  cores(overview);
  spread(overview);
  latency(overview);
  load(overview);
  whatIf(found);
  elephants(overview);
  proof(overview);

  function choose(flow) {
    for (const part of parts) part.show(flow);
  }

  if (flows.flows.length) choose(0);
}

training();
draw();
