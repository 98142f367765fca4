// CBraMod's inspector: the training is live from the start; the rest is drawn once its files are there.

import { attention } from "./cbramod-attention.js";
import { browser } from "./cbramod-browser.js";
import { embedding } from "./cbramod-embedding.js";
import { answers, verdict } from "./cbramod-models.js";
import { goalOf } from "./cbramod-goal.js";
import { electrodes } from "./cbramod-montage.js";
import { reconstruction } from "./cbramod-reconstruction.js";
import { training } from "./cbramod-training.js";
import { occlusion } from "./cbramod-why.js";
import { windowPart } from "./cbramod-window.js";
import { words } from "./cbramod-words.js";
import { about, whenThere } from "./files.js";

async function draw() {
  const [overview, windows] = await whenThere();
  const goal = goalOf({ overview, windows });
  const found = { job: about.job, overview, windows, goal, called: words({ overview, windows, goal }) };
  document.querySelector("[data-waiting]").hidden = true;
  document.querySelector("[data-results]").hidden = false;
  verdict(found);
  const parts = [
    browser(found, choose),
    windowPart(found, choose),
    occlusion(found),
    attention(found),
    embedding(found, choose),
  ];
  electrodes(found);
  reconstruction(overview);
  answers(found);

  function choose(window) {
    for (const part of parts) part.show(window);
  }

  choose(0);
}

training();
draw();
