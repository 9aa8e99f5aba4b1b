// Sends a file by tus (https://tus.io/protocols/resumable-upload), and goes on after whatever stops it.

import { hideInterrupted, nameOf } from "./interrupted.js";
import { form, part, token } from "./parts.js";
import { mayGoOn, problemOf, sentenceOf } from "./problems.js";
import { begin, end, isIn, restart, show, showProgress, silence } from "./progress.js";

const CHUNK_BYTES = 8 * 1024 * 1024; // below what most proxies accept; so much is sent again at worst
const RETRY_DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000, 60_000, 60_000]; // milliseconds
const STALLED = 60_000; // milliseconds without a byte: the connection is dead without knowing it
const ASLEEP = 10_000; // milliseconds between two ticks of a second: the computer slept

let upload = null;
let letGo = () => {}; // of the lock

export const isSending = () => upload !== null;

export const send = async (file, order) => {
  if (upload) return;
  const name = nameOf(file, order);
  upload = new tus.Upload(file, {
    endpoint: form.dataset.resumableUrl,
    metadata: order,
    headers: { "X-CSRFToken": token },
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_DELAYS,
    removeFingerprintOnSuccess: true,
    fingerprint: async () => name,
    onAfterResponse: keepUpload,
    onProgress: showProgress,
    onShouldRetry: (error) => {
      const problem = problemOf(error);
      if (problem.isPassing) show(problem.status ? "busy" : "lost");
      return problem.isPassing;
    },
    onSuccess: ({ lastResponse }) => {
      show("done");
      const [, id] = lastResponse.getHeader("Location").match(/\/api\/uploads\/([^/]+)\/status$/);
      location.assign(form.dataset.pageUrl.replace("ID", id));
    },
    onError: (error) => fail(problemOf(error)),
  });
  form.hidden = true;
  hideInterrupted();
  begin(file);
  if (file.size > form.dataset.maxBytes) return fail({ code: "body-too-large", isPassing: false });
  if (!(await isAlone(name))) return fail({ code: "another-tab", isPassing: false });
  const [former] = await upload.findPreviousUploads();
  if (former) upload.resumeFromPreviousUpload(former);
  upload.start();
};

// Whether no other tab of this browser sends the same file, now and until it is sent.
const isAlone = (name) => {
  if (!navigator.locks) return true; // only secure pages have them
  return new Promise((tell) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      tell(Boolean(lock));
      return lock && new Promise((resolve) => (letGo = resolve));
    });
  });
};

// tus-js-client would begin a new upload whenever it cannot learn how far the former one is, even if that will pass.
const keepUpload = (request, response) => {
  const status = response.getStatus();
  if (request.getMethod() !== "HEAD" || status < 400 || [404, 410, 423].includes(status)) return;
  throw Object.assign(new Error("no offset"), { status });
};

const fail = (problem) => {
  show("failed");
  part("problem").textContent = sentenceOf(problem);
  part("problem").hidden = false;
  part("resume").hidden = !mayGoOn(problem);
  (part("resume").hidden ? part("cancel") : part("resume")).focus();
};

const goOn = async () => {
  await upload.abort(); // what is under way may never be answered; the server tells how much has arrived
  restart();
  upload.start();
};

part("pause").addEventListener("click", async () => {
  await upload.abort();
  show("paused");
  part("resume").focus();
});
part("resume").addEventListener("click", async () => {
  part("problem").hidden = true;
  await goOn();
  part("pause").focus();
});

// The form is shown again at once. Resolves when the server has answered, or cannot be reached.
export const cancel = async () => {
  const canceled = upload;
  upload = null;
  letGo();
  letGo = () => {};
  show("canceled");
  end();
  form.hidden = false;
  await canceled.abort(true).catch(() => {}); // if it fails, the server deletes the bytes when they expire
};

// Coming back: after a lost connection, another page, sleep, or silence

const wake = () => {
  if (upload && isIn("lost", "busy")) goOn();
};
window.addEventListener("online", wake);
window.addEventListener("pageshow", (event) => {
  if (event.persisted && isIn("done")) location.reload(); // back from the page of the upload
  else if (event.persisted) wake();
});
document.addEventListener("visibilitychange", () => document.hidden || wake());

let ticked = Date.now();
setInterval(() => {
  const now = Date.now();
  const slept = now - ticked > ASLEEP && !document.hidden; // a hidden tab ticks once in a minute
  ticked = now;
  if (upload && isIn("sending") && (slept || silence() > STALLED)) goOn();
}, 1000);
window.addEventListener("beforeunload", (event) => {
  if (upload && isIn("sending", "lost", "busy", "storing")) event.preventDefault();
});
