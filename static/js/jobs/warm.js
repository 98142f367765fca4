// An inspector is open: a process gets ready for the first question, and the page says so, in
// words and by an event "warm" of the document.

import { live } from "../live.js";

const note = document.querySelector("[data-warm]");
const { id } = JSON.parse(document.getElementById("job-live").textContent);

live()
  .warm(id, () => {
    note.textContent = "What-if gets ready as soon as this job has ended.";
    note.dataset.warm = "later";
  })
  .then(
    () => {
      note.textContent = "What-if is ready: answers come within a second.";
      tell("ready");
    },
    (fault) => {
      note.textContent = `What-if is not ready: ${fault.message}.`;
      tell("failed");
    },
  );

function tell(warmth) {
  note.dataset.warm = warmth;
  document.dispatchEvent(new CustomEvent("warm"));
}
