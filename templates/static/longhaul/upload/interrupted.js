// What was interrupted. tus-js-client keeps it in this browser, under our name of the upload: of this user, type and file.

import { form, input, token } from "./parts.js";

const PREFIX = "tus::"; // tus-js-client puts it before the name
const KEPT = `${PREFIX}longhaul:${form.dataset.user}:${form.dataset.uploadType}:`;
const TUS = { "Tus-Resumable": "1.0.0" };

const interrupted = document.querySelector("[data-interrupted]");

const keyOf = (file) => `${KEPT}${file.size}:${file.lastModified}:`;
const kept = () => Object.entries(tus.canStoreURLs ? localStorage : {}).flatMap(([key, value]) => (
  key.startsWith(KEPT) ? [{ key, ...JSON.parse(value) }] : []
));
// A correction goes on only as one of the same upload.
const isOfThisPage = (one) => one.metadata.corrects === form.elements.corrects?.value;

// The name of the upload of a file that is ordered like this.
export const nameOf = (file, order) => keyOf(file).slice(PREFIX.length) + JSON.stringify(order);

// How a file was ordered whose upload was interrupted.
export const formerOrderOf = (file) => kept().find((one) => (
  isOfThisPage(one) && one.metadata.filename === file.name && one.key.startsWith(keyOf(file))
))?.metadata;

export const hideInterrupted = () => {
  interrupted.hidden = true;
};

// Name the first upload that can go on. `isBusy` says whether this page has begun to send one meanwhile.
export const tellInterrupted = async (isBusy) => {
  hideInterrupted();
  // In another tab, an upload may be going on; asking for its offset would stop it.
  const held = (await navigator.locks?.query())?.held.map((lock) => lock.name) ?? [];
  for (const one of kept().filter(isOfThisPage)) {
    if (held.some((name) => one.key.startsWith(`${PREFIX}${name}::`))) continue;
    const answer = await fetch(one.uploadUrl, { method: "HEAD", headers: TUS }).catch(() => null);
    if (answer?.status === 404 || answer?.status === 410) localStorage.removeItem(one.key); // expired
    if (!answer?.ok || isBusy()) continue;
    const percent = Math.floor((answer.headers.get("Upload-Offset") / one.size) * 100);
    const text = interrupted.dataset.text.replace("FILE", one.metadata.filename).replace("PERCENT", percent);
    interrupted.querySelector("[data-interrupted-text]").textContent = text;
    interrupted.dataset.key = one.key;
    interrupted.hidden = false;
    return;
  }
};

// Let the button discard what was sent.
export const offerDiscarding = (isBusy) => {
  interrupted.querySelector("button").addEventListener("click", async () => {
    const { key } = interrupted.dataset;
    const { uploadUrl } = JSON.parse(localStorage.getItem(key) ?? "{}");
    localStorage.removeItem(key);
    // If it fails, the server deletes the bytes when they expire.
    if (uploadUrl) await fetch(uploadUrl, { method: "DELETE", headers: { ...TUS, "X-CSRFToken": token } }).catch(() => {});
    await tellInterrupted(isBusy);
    input.focus();
  });
};
