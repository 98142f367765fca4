// Flat-LoRA's inspector: the verdict stands in the page, training is live from the start, the rest
// is drawn once its files are there.

import { about, whenThere } from "./files.js";
import { answers } from "./flat_lora-answers.js";
import { change } from "./flat_lora-change.js";
import { cost } from "./flat_lora-cost.js";
import { landscape } from "./flat_lora-landscape.js";
import { layers } from "./flat_lora-layers.js";
import { say } from "./flat_lora-say.js";
import { scores } from "./flat_lora-scores.js";
import { sharpness } from "./flat_lora-sharpness.js";
import { training } from "./flat_lora-training.js";
import { verdict } from "./flat_lora-verdict.js";

async function draw() {
  const [overview, flatness, answered] = await whenThere();
  // A variant keeps its place, and so its colour, in every chart.
  const variants = overview.variants.map((variant, at) => ({ ...variant, slot: at + 1, flatness: flatness[variant.name] }));
  const found = { job: about.job, overview, variants, answered };
  document.querySelector("[data-waiting]").hidden = true;
  document.querySelector("[data-results]").hidden = false;
  scores(found);
  cost(found);
  sharpness(found);
  landscape(found);
  layers(found);
  change(found);
  say(found);
  answers(found);
}

verdict();
training();
draw();
