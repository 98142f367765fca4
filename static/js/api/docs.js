// The try-it forms of the API's page: they call as the person who is signed in.

const SHOWN = 20000; // characters of an answer; what is longer is cut, and said to be

/** @param {HTMLFormElement} form */
function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  const fields = new FormData();
  let body;
  for (const input of form.querySelectorAll("[data-place]")) {
    const { place, name } = input.dataset;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value.trim()));
    else if (place === "query" && input.value) query.set(name, input.value);
    else if (place === "header" && input.value) headers[name] = input.value;
    else if (place === "form" && input.type === "file") fields.set(name, input.files[0]);
    else if (place === "form" && input.value) fields.set(name, input.value);
    else if (place === "raw") {
      headers["Content-Type"] = input.dataset.media;
      body = input.files[0];
    } else if (place === "body") {
      JSON.parse(input.value); // a mistake is told before anything is sent
      headers["Content-Type"] = "application/json";
      body = input.value;
    }
  }
  if ([...fields.keys()].length) body = fields;
  const address = query.size ? `${path}?${query}` : path;
  return [address, { method: form.dataset.method, headers, body }];
}

/** @param {Response} response */
async function shown(response) {
  const media = response.headers.get("Content-Type") ?? "";
  if (!media.includes("json")) return `${(await response.blob()).size} bytes`;
  const text = JSON.stringify(await response.json(), null, 2);
  if (text.length <= SHOWN) return text;
  return `${text.slice(0, SHOWN)}\n… ${text.length - SHOWN} more characters`;
}

/** @param {HTMLFormElement} form */
async function call(form) {
  const fault = form.querySelector("[data-fault]");
  const answer = form.querySelector("[data-answer]");
  const button = form.querySelector("[type=submit]");
  fault.hidden = answer.hidden = true;
  button.disabled = true;
  try {
    const begun = performance.now();
    const response = await fetch(...request(form));
    const seconds = ((performance.now() - begun) / 1000).toFixed(3);
    answer.querySelector("[data-status]").textContent =
      `${response.status} ${response.statusText} in ${seconds} s`;
    answer.querySelector("[data-body]").textContent = await shown(response);
    answer.hidden = false;
  } catch (error) {
    fault.textContent = error instanceof SyntaxError
      ? `Body: expected JSON. ${error.message}`
      : "The bench did not answer. Is it still running?";
    fault.hidden = false;
  } finally {
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-try]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    call(form);
  });
}

// An address that names an operation opens it.
function open() {
  const place = document.getElementById(location.hash.slice(1));
  if (place instanceof HTMLDetailsElement) place.open = true;
}
addEventListener("hashchange", open);
open();
