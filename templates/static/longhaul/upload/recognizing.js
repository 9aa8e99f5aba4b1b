// What the chosen file seems to be: the server looks at its beginning, and the user may match its columns by hand.

import { announce, form, input, token } from "./parts.js";

const HEAD_BYTES = 64 * 1024;
const PATIENCE = 10_000; // milliseconds for an answer about the beginning of a file

const recognized = form.querySelector("[data-recognized]");
let asked = 0;
let answered = Promise.resolve();

// `matched` is what the user has matched in the description that is shown.
const ask = async (matched) => {
  const number = ++asked; // an answer that was overtaken is not shown
  const [file] = input.files;
  if (!file) return recognized.replaceChildren();
  const query = new URLSearchParams({ type: form.dataset.uploadType, whole: file.size <= HEAD_BYTES });
  for (const name of ["encoding", "delimiter"]) query.set(name, form.elements[name].value);
  if (matched) query.set("headings", JSON.stringify(matched));
  try {
    const response = await fetch(`${form.dataset.recognizeUrl}?${query}`, {
      method: "POST",
      headers: { "X-CSRFToken": token, "Content-Type": "application/octet-stream" },
      body: await file.slice(0, HEAD_BYTES).arrayBuffer(),
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    if (number === asked) describe(response.headers.has("X-Fragment") ? text : "");
  } catch {
    if (number === asked) describe(""); // The file can be sent all the same; the server looks at it again.
  }
};

const describe = (html) => {
  const focused = recognized.contains(document.activeElement) ? document.activeElement.id : "";
  recognized.innerHTML = html;
  if (focused) document.getElementById(focused)?.focus();
  announce(recognized.querySelector("[data-says]")?.dataset.says ?? "");
};

const matches = () => {
  const selects = [...recognized.querySelectorAll("select[data-heading]")];
  return Object.fromEntries(selects.map((select) => [select.dataset.heading, select.value || null]));
};

export const recognize = (matched) => (answered = ask(matched));

export const forget = () => recognized.replaceChildren();

// After a file that was sent without being asked for, there is no description yet.
export const recognizeOnce = () => recognized.firstElementChild || recognize();

// Resolves when the last description is there: an earlier one is no reason to send the file, nor to keep it.
export const isRecognized = () => answered;

// A file whose columns do not fit is sent only if the user insists: it may be large, and would be refused.
export const mayGo = () => {
  const doubt = recognized.querySelector("[data-doubt][hidden]");
  if (!doubt) return true;
  doubt.hidden = false;
  doubt.focus();
  return false;
};

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-heading]")) recognize(matches());
  // In another encoding, the headings are others, too.
  else if (event.target.matches("[name=encoding], [name=delimiter]")) recognize();
});
