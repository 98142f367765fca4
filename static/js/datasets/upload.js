// Upload with progress, by button or drop. Without this script the same form works by itself.
// The server answers {address} or {faults: [[where, expected], …]}.

const form = document.querySelector("[data-upload]");

/** The kind whose suffixes fit the file's name, or "". */
function kindOf(name) {
  const suffixes = JSON.parse(document.getElementById("suffixes").textContent);
  const lowered = name.toLowerCase();
  for (const [kind, list] of Object.entries(suffixes)) {
    if (list.some((suffix) => lowered.endsWith(suffix))) return kind;
  }
  return "";
}

function clearFaults() {
  for (const old of form.querySelectorAll("[data-fault]")) old.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
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

function size(bytes) {
  const kib = bytes / 1024;
  if (kib >= 1 << 20) return `${(kib / (1 << 20)).toFixed(1)} GiB`;
  return kib >= 1024 ? `${(kib / 1024).toFixed(1)} MiB` : `${Math.ceil(kib)} KiB`;
}

function send() {
  const request = new XMLHttpRequest();
  const bar = form.querySelector("[data-progress]");
  const text = form.querySelector("[data-progress-text]");
  const button = form.querySelector("button.primary");
  const finish = (faults) => {
    bar.hidden = true;
    button.disabled = false;
    showFaults(faults);
  };
  request.upload.addEventListener("progress", (event) => {
    bar.querySelector("progress").value = event.loaded / event.total;
    text.textContent =
      event.loaded < event.total
        ? `${size(event.loaded)} of ${size(event.total)}`
        : "Sent. The server is storing it.";
  });
  request.addEventListener("load", () => {
    if (request.status === 200) {
      window.location.assign(JSON.parse(request.responseText).address);
    } else if (request.status === 422) {
      finish(JSON.parse(request.responseText).faults);
    } else {
      finish([["file", `the server answered ${request.status}; try again`]]);
    }
  });
  request.addEventListener("error", () => finish([["file", "the connection broke; try again"]]));
  request.open("POST", form.action || window.location.href);
  request.setRequestHeader("Accept", "application/json");
  clearFaults();
  bar.hidden = false;
  button.disabled = true;
  request.send(new FormData(form));
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
    const most = Number(form.dataset.most);
    if (one.size > most) showFaults([["file", `expected at most ${size(most)}, got ${size(one.size)}`]]);
  };
  file.addEventListener("change", chosen);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [one] = file.files;
    if (one && one.size > Number(form.dataset.most)) chosen();
    else send();
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
}
