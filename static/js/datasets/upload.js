// The page of uploads, by button or drop: in parts that go on after a break. Without this script
// the same form sends its file at once.

import * as panel from "./panel.js";
import { Refused, Sending, begin, giveUp } from "./sending.js";
import * as unfinished from "./unfinished.js";
import { size } from "./words.js";

const form = document.querySelector("[data-upload]");

/** The kinds whose suffixes fit the file's name. */
function kindsOf(name) {
  const suffixes = JSON.parse(document.getElementById("suffixes").textContent);
  const lowered = name.toLowerCase();
  const fits = ([, list]) => list.some((suffix) => lowered.endsWith(suffix));
  return Object.entries(suffixes).filter(fits).map(([kind]) => kind);
}

/** The one kind that the file's name leaves, or "". */
function kindOf(name) {
  const found = kindsOf(name);
  return found.length === 1 ? found[0] : "";
}

/** The titles to choose from, where the file's name leaves several kinds or none. */
function titlesFor(name) {
  const found = kindsOf(name);
  const options = [...form.elements.kind.options].filter(({ value }) => value);
  const open = options.filter(({ value }) => found.length === 0 || found.includes(value));
  return open.map((one) => one.textContent).join(", ");
}

function clearFaults() {
  for (const old of form.querySelectorAll("[data-fault]")) old.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** Below the kind, as long as nobody has chosen one that the file's name leaves open. */
function tellKinds(name) {
  const line = form.querySelector("[data-kinds]");
  line.hidden = form.elements.kind.value !== "" || !name || kindOf(name) !== "";
  if (!line.hidden) line.textContent = `The file's name does not tell which: ${titlesFor(name)}.`;
}

/** Beside the field, and the first one takes the focus. */
function showFaults(faults) {
  clearFaults();
  let first = null;
  for (const [where, expected] of faults) {
    const field = document.getElementById(`id_${where}`) ?? form.elements.file;
    const line = document.createElement("p");
    line.className = "fault";
    line.dataset.fault = "";
    line.id = `fault_${where}`;
    line.role = "alert";
    line.textContent = `${where}: ${expected}`;
    field.closest(".field").append(line);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", line.id);
    first ??= field;
  }
  first?.focus();
}

/** One upload at a time: the buttons that begin another wait. */
function busy(yes) {
  const others = document.querySelectorAll("[data-begun] button");
  for (const button of [form.querySelector("button.primary"), ...others]) button.disabled = yes;
}

/** Sends, pauses and goes on until the upload is done, given up or refused. */
function run(id, file, bytes, { beside, name, gone }) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const sending = new Sending(id, file, bytes, { token, show: panel.show });
  const send = async () => {
    try {
      const dataset = await sending.send();
      if (dataset) window.location.assign(`/datasets/${dataset}/`);
      else panel.show({ phase: "paused" });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      panel.show({ phase: "failed", fault: error.message });
    }
  };
  const stop = async () => {
    sending.pause();
    await leave(id, token);
    panel.close();
    busy(false);
    gone();
  };
  busy(true);
  panel.open(beside, name, { pause: () => sending.pause(), "go-on": send, "give-up": stop });
  send();
}

/** Gives it up on the server; one that is gone already is as good. */
async function leave(id, token) {
  try {
    await giveUp(id, token);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

async function submit() {
  const { file, kind, name, team, description, csrfmiddlewaretoken } = form.elements;
  const [one] = file.files;
  clearFaults();
  const sort = kind.value || kindOf(one.name);
  if (!sort) {
    showFaults([["kind", `expected one of ${titlesFor(one.name)}; the file's name does not tell which`]]);
    return;
  }
  busy(true);
  try {
    const begun = await begin(
      {
        team: team.value,
        name: name.value.trim() || one.name.replace(/(.)\.[^.]*$/, "$1"),
        kind: sort,
        description: description.value,
        file_name: one.name,
        size: one.size,
        modified: one.lastModified / 1000,
      },
      csrfmiddlewaretoken.value,
    );
    const gone = () => form.querySelector("button.primary").focus();
    run(begun.id, one, one.size, { beside: form, name: one.name, gone });
  } catch (error) {
    busy(false);
    showFaults(error.faults ?? [["file", "the server did not answer; try again"]]);
  }
}

if (form) {
  const { file, kind } = form.elements;
  let suggested = "";
  const drop = form.querySelector("[data-drop]");
  const chosen = () => {
    const [one] = file.files;
    if (!one) return;
    if (kind.value === suggested) kind.value = suggested = kindOf(one.name); // not what was chosen
    clearFaults();
    tellKinds(one.name);
    const most = Number(form.dataset.most);
    if (one.size > most) showFaults([["file", `expected at most ${size(most)}, got ${size(one.size)}`]]);
  };
  file.addEventListener("change", chosen);
  kind.addEventListener("change", () => tellKinds(file.files[0]?.name));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file.files[0].size > Number(form.dataset.most)) chosen();
    else submit();
  });
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.dataset.over = "";
  });
  drop.addEventListener("dragleave", () => delete drop.dataset.over);
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    if (event.dataTransfer.files.length === 0) return;
    file.files = event.dataTransfer.files;
    chosen();
  });
  unfinished.offer({
    goOn: (row, again) => {
      const { id, fileName, size: bytes } = row.dataset;
      const gone = () => unfinished.remove(row);
      run(id, again, Number(bytes), { beside: row, name: fileName, gone });
    },
    giveUp: async (row) => {
      await leave(row.dataset.id, form.elements.csrfmiddlewaretoken.value);
      unfinished.remove(row);
    },
  });
}
