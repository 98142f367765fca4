// The files that an inspector draws: what its page came with, and what appears while it is open.

import { feed, freshPage } from "../jobs/feed.js";
import { insist } from "../live.js";

export const given = (page) => JSON.parse(page.getElementById("inspector-data").textContent);

/** What the inspector's `page` put under "data". */
export const about = given(document);

let files = new Map(Object.entries(about.files ?? {})); // path -> artifact's id

const complete = () => about.wanted.every((path) => files.has(path));

async function read(path) {
  const answer = await fetch(about.address.replace(about.place, files.get(path)));
  if (!answer.ok) throw new Error(`${path} could not be loaded (${answer.status})`);
  return answer.json();
}

/** Answers with all of `about.wanted`, read, as soon as the last of them is there. */
export function whenThere() {
  return insist(async () => {
    if (!complete()) await new Promise(arrival);
    try {
      return await Promise.all(about.wanted.map(read));
    } catch (fault) {
      // A new attempt of the job makes its files anew: those that were told may be gone.
      files = new Map(Object.entries(given(await freshPage()).files));
      throw fault;
    }
  });
}

function arrival(whole) {
  const take = (more) => {
    for (const [path, id] of more) files.set(path, id);
    if (complete()) whole();
  };
  feed().on("artifacts", (more) => take(more.map(({ path, id }) => [path, id])));
  // Nobody tells again what was told in a gap: the page fetched after it knows.
  feed().on("page", (page) => take(Object.entries(given(page).files)));
}
