// The upload form with JavaScript: shows what a file seems to be before it is sent, and sends it in such a way that a lost
// connection, a sleeping computer or a reload loses nothing. Without JavaScript, the form sends the file in one request. So
// does it here if the type has parameters (data-plain).
//
//   form[data-upload]    data-upload-type, data-max-bytes, data-user, and the addresses data-recognize-url, data-resumable-url
//                        and data-page-url (with ID in place of the id of the upload)
//   [data-recognized]    where the server's description of the file goes; [data-recognized-says] announces it
//   [data-sending]       the progress. Its texts are data attributes, so that the server translates them: data-says-STATE,
//                        and data-problems, JSON of a code of the API → sentence. data-group and data-decimal are the
//                        separators of numbers that the user has chosen
//   [data-interrupted]   shown if an earlier upload of this type was interrupted
//
// uploads/new.html names the modules, so that they are all fetched at once.

import { formerOrderOf, offerDiscarding, tellInterrupted } from "./upload/interrupted.js";
import { announce, form, input, part, sending } from "./upload/parts.js";
import { forget, isRecognized, mayGo, recognize, recognizeOnce } from "./upload/recognizing.js";
import { cancel, isSending, send } from "./upload/sending.js";

const zone = form.querySelector("[data-dropzone]");
const canResume = window.tus?.isSupported && !("plain" in form.dataset);

// Choosing and dropping

for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
input.addEventListener("change", () => {
  forget();
  const former = canResume && input.files.length ? formerOrderOf(input.files[0]) : null;
  if (former) send(input.files[0], former);
  else recognize();
});

// Ordering

form.addEventListener("submit", (event) => {
  const [file] = input.files;
  const isResumable = Boolean(file?.size) && canResume;
  if (!isResumable && mayGo()) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // the form was not sent, so it is not busy
  if (!isResumable) return;
  const dryRun = event.submitter?.value ?? "true";
  isRecognized().then(() => mayGo() && send(file, order(file, dryRun)));
}, true);

const order = (file, dryRun) => {
  const values = { filename: file.name, uploadType: form.dataset.uploadType, mode: form.elements.mode.value, dryRun };
  for (const name of ["encoding", "delimiter", "corrects", "headings"]) {
    const value = form.elements[name]?.value;
    if (value) values[name] = value;
  }
  return values;
};

part("cancel").addEventListener("click", async () => {
  const canceled = cancel();
  announce(sending.dataset.saysCanceled);
  await canceled;
  recognizeOnce();
  input.focus();
});

offerDiscarding(isSending);
if (canResume) tellInterrupted(isSending);
if (input.files.length) recognize(); // some browsers remember the file
