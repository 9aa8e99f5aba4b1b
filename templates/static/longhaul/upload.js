// The upload form with JavaScript: shows what a file seems to be before it is sent, and sends it in such a way that a lost
// connection, a sleeping computer or a reload loses nothing (tus 1.0, https://tus.io/protocols/resumable-upload). Without
// JavaScript, the form sends the file in one request. So does it here if the type has parameters (data-plain).
//
//   form[data-upload]    data-upload-type, data-max-bytes, data-user, and the addresses data-recognize-url, data-resumable-url
//                        and data-page-url (with ID in place of the id of the upload)
//   [data-recognized]    where the server's description of the file goes; [data-recognized-says] announces it
//   [data-sending]       the progress. Its texts are data attributes, so that the server translates them: data-says-STATE,
//                        and data-problems, JSON of a code of the API → sentence. data-group and data-decimal are the
//                        separators of numbers that the user has chosen
//   [data-interrupted]   shown if an earlier upload of this type was interrupted

const form = document.querySelector("form[data-upload]");
const input = form.querySelector("input[type=file]");
const zone = form.querySelector("[data-dropzone]");
const recognized = form.querySelector("[data-recognized]");
const sending = document.querySelector("[data-sending]");
const interrupted = document.querySelector("[data-interrupted]");
const part = (name) => sending.querySelector(`[data-part="${name}"]`);
const problems = JSON.parse(sending.dataset.problems);

const HEAD_BYTES = 64 * 1024;
const CHUNK_BYTES = 8 * 1024 * 1024; // below what most proxies accept; so much is sent again at worst
const RETRY_DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000, 60_000, 60_000]; // milliseconds
const PATIENCE = 10_000; // milliseconds for an answer about the beginning of a file
const STALLED = 60_000; // milliseconds without a byte: the connection is dead without knowing it
const ASLEEP = 10_000; // milliseconds between two ticks of a second: the computer slept
const RATE_OVER = 10_000; // the rate is that of the last milliseconds
const TUS = { "Tus-Resumable": "1.0.0" };

const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const language = document.documentElement.lang;
const title = document.title;
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

// What the file seems to be

let asked = 0;
let answered = Promise.resolve();

// `matched` is what the user has matched in the description that is shown.
const recognize = async (matched) => {
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
  form.querySelector("[data-recognized-says]").textContent = recognized.querySelector("[data-says]")?.dataset.says ?? "";
};

const matches = () => {
  const selects = [...recognized.querySelectorAll("select[data-heading]")];
  return Object.fromEntries(selects.map((select) => [select.dataset.heading, select.value || null]));
};

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-heading]")) answered = recognize(matches());
  // In another encoding, the headings are others, too.
  else if (event.target.matches("[name=encoding], [name=delimiter]")) answered = recognize();
});
input.addEventListener("change", () => {
  recognized.replaceChildren();
  const former = canResume && input.files.length ? formerOf(input.files[0]) : null;
  if (former) send(input.files[0], former.metadata);
  else answered = recognize();
});

// A file whose columns do not fit is sent only if the user insists: it may be large, and would be refused.
const mayGo = () => {
  const doubt = recognized.querySelector("[data-doubt][hidden]");
  if (!doubt) return true;
  doubt.hidden = false;
  doubt.focus();
  return false;
};

form.addEventListener("submit", (event) => {
  const [file] = input.files;
  if (!mayGo()) {
    event.preventDefault();
    event.stopImmediatePropagation(); // the form was not sent, so it is not busy
  } else if (file?.size && canResume) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const dryRun = event.submitter?.value ?? "true";
    answered.then(() => mayGo() && send(file, order(file, dryRun)));
  }
}, true);

const order = (file, dryRun) => {
  const values = { filename: file.name, uploadType: form.dataset.uploadType, mode: form.elements.mode.value, dryRun };
  for (const name of ["encoding", "delimiter", "corrects", "headings"]) {
    const value = form.elements[name]?.value;
    if (value) values[name] = value;
  }
  return values;
};

// What was interrupted. tus-js-client keeps it in this browser, under our name of the upload: of this user, type and file.

const KEPT = `tus::longhaul:${form.dataset.user}:${form.dataset.uploadType}:`;
const nameOf = (file, about) =>
  `${KEPT.slice("tus::".length)}${file.size}:${file.lastModified}:${JSON.stringify(about)}`;
const kept = () => Object.entries(tus.canStoreURLs ? localStorage : {}).flatMap(([key, value]) => (
  key.startsWith(KEPT) ? [{ key, ...JSON.parse(value) }] : []
));
// A correction goes on only as one of the same upload.
const isOfThisPage = (one) => one.metadata.corrects === form.elements.corrects?.value;
const formerOf = (file) => kept().find((one) => (
  isOfThisPage(one) && one.metadata.filename === file.name && one.key.startsWith(`${KEPT}${file.size}:${file.lastModified}:`)
));

const tellInterrupted = async () => {
  interrupted.hidden = true;
  // In another tab, an upload may be going on; asking for its offset would stop it.
  const held = (await navigator.locks?.query())?.held.map((lock) => lock.name) ?? [];
  for (const one of kept().filter(isOfThisPage)) {
    if (held.some((name) => one.key.startsWith(`tus::${name}::`))) continue;
    const answer = await fetch(one.uploadUrl, { method: "HEAD", headers: TUS }).catch(() => null);
    if (answer?.status === 404 || answer?.status === 410) localStorage.removeItem(one.key); // expired
    if (!answer?.ok || upload) continue;
    const percent = Math.floor((answer.headers.get("Upload-Offset") / one.size) * 100);
    const text = interrupted.dataset.text.replace("FILE", one.metadata.filename).replace("PERCENT", percent);
    interrupted.querySelector("[data-interrupted-text]").textContent = text;
    interrupted.dataset.key = one.key;
    interrupted.hidden = false;
    return;
  }
};

interrupted.querySelector("button").addEventListener("click", async () => {
  const { key } = interrupted.dataset;
  const { uploadUrl } = JSON.parse(localStorage.getItem(key) ?? "{}");
  localStorage.removeItem(key);
  // If it fails, the server deletes the bytes when they expire.
  if (uploadUrl) await fetch(uploadUrl, { method: "DELETE", headers: { ...TUS, "X-CSRFToken": token } }).catch(() => {});
  await tellInterrupted();
  input.focus();
});

// Sending

let upload = null;
let moved = 0; // when sending began, or began again
let letGo = () => {}; // of the lock

const send = async (file, about) => {
  if (upload) return;
  const name = nameOf(file, about);
  upload = new tus.Upload(file, {
    endpoint: form.dataset.resumableUrl,
    metadata: about,
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

const begin = (file) => {
  form.hidden = true;
  interrupted.hidden = true;
  sending.hidden = false;
  part("name").textContent = file.name;
  part("problem").hidden = true;
  for (const name of ["bytes", "rate", "left"]) part(name).textContent = "–";
  part("bar").value = 0;
  moved = performance.now();
  show("sending");
  sending.focus();
};

let samples = []; // [milliseconds, bytes]
const showProgress = (sent, total) => {
  const now = performance.now();
  if (samples.length && sent < samples.at(-1)[1]) samples = []; // some bytes are sent again
  samples.push([now, sent]);
  while (samples.length > 2 && now - samples[0][0] > RATE_OVER) samples.shift();
  const [[since, before]] = samples;
  const rate = now > since ? ((sent - before) / (now - since)) * 1000 : 0;
  const percent = Math.floor((sent / total) * 100);
  part("bar").value = percent;
  part("bytes").textContent = `${size(sent)} / ${size(total)} (${percent} %)`;
  part("rate").textContent = rate > 0 ? `${size(rate)}/s` : "–";
  part("left").textContent = rate > 0 ? duration((total - sent) / rate) : "–";
  document.title = `${percent} % – ${title}`;
  show(sent === total ? "storing" : "sending");
};

// The words are those of the page's language, the separators those that the user prefers.
const inUnit = (value, unit, unitDisplay, digits = 0) => {
  const format = new Intl.NumberFormat(language, {
    style: "unit", unit, unitDisplay, minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
  const { group, decimal } = sending.dataset;
  return format.formatToParts(value).map((one) => ({ group, decimal })[one.type] ?? one.value).join("");
};
const size = (bytes) => {
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return inUnit(bytes / 1000 ** power, ["byte", "kilobyte", "megabyte", "gigabyte"][power], "short", power ? 1 : 0);
};
const duration = (seconds) => {
  if (seconds < 60) return inUnit(Math.ceil(seconds), "second", "long");
  return seconds < 5400 ? inUnit(Math.ceil(seconds / 60), "minute", "long") : inUnit(seconds / 3600, "hour", "long", 1);
};

// Only the state is announced, one sentence at a time, not each percent.
const show = (state) => {
  const former = sending.dataset.state;
  if (former === state) return;
  if (state === "sending" && former !== "storing") samples = [];
  sending.dataset.state = state;
  part("state").textContent = sending.getAttribute(`data-says-${state}`);
  part("pause").hidden = !["sending", "lost", "busy"].includes(state);
  part("resume").hidden = state !== "paused" && state !== "failed";
  part("cancel").hidden = state === "done";
  if (["paused", "failed"].includes(state)) document.title = title;
};

// Refusals, as the API's problem+json tells them. `isPassing`: trying again may help.

const problemOf = (error) => {
  const response = error.originalResponse;
  const status = error.causingError?.status ?? response?.getStatus() ?? 0;
  let body = {};
  try {
    body = JSON.parse(response.getBody());
  } catch {
    // A proxy has answered, or nobody.
  }
  const code = body.code ?? (status === 401 || status === 403 ? "not-authenticated" : status ? "" : "unreachable");
  const isPassing = (status === 0 || [409, 423].includes(status) || status >= 500) && code !== "queue-full";
  const detail = body.errors?.map((one) => one.detail).join(" ") || body.detail;
  return { status, code, detail, isPassing };
};

const AFTER_A_WHILE = ["queue-full", "owner-queue-full", "too-many-resumable-uploads"];
const fail = ({ status, code, detail, isPassing }) => {
  show("failed");
  const isSignedOut = status === 401 || status === 403;
  part("problem").textContent = problems[isSignedOut ? "not-authenticated" : code] ?? detail ?? problems.unknown;
  part("problem").hidden = false;
  part("resume").hidden = !isPassing && !AFTER_A_WHILE.includes(code);
  (part("resume").hidden ? part("cancel") : part("resume")).focus();
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
part("cancel").addEventListener("click", async () => {
  const canceled = upload;
  upload = null;
  letGo();
  letGo = () => {};
  show("canceled");
  document.title = title;
  sending.hidden = true;
  form.hidden = false;
  form.querySelector("[data-recognized-says]").textContent = sending.dataset.saysCanceled;
  await canceled.abort(true).catch(() => {}); // if it fails, the server deletes the bytes when they expire
  if (!recognized.firstElementChild) answered = recognize();
  input.focus();
});

// Coming back

const goOn = async () => {
  await upload.abort(); // what is under way may never be answered; the server tells how much has arrived
  show("sending");
  moved = performance.now();
  upload.start();
};

let ticked = Date.now();
const wake = () => {
  if (upload && ["lost", "busy"].includes(sending.dataset.state)) goOn();
};
window.addEventListener("online", wake);
window.addEventListener("pageshow", (event) => {
  if (event.persisted && sending.dataset.state === "done") location.reload(); // back from the page of the upload
  else if (event.persisted) wake();
});
document.addEventListener("visibilitychange", () => document.hidden || wake());
setInterval(() => {
  const now = Date.now();
  const slept = now - ticked > ASLEEP && !document.hidden; // a hidden tab ticks once in a minute
  ticked = now;
  const last = samples.at(-1)?.[0] ?? moved;
  const isStalled = performance.now() - Math.max(last, moved) > STALLED;
  if (upload && sending.dataset.state === "sending" && (slept || isStalled)) goOn();
}, 1000);
window.addEventListener("beforeunload", (event) => {
  if (upload && ["sending", "lost", "busy", "storing"].includes(sending.dataset.state)) event.preventDefault();
});

if (canResume) tellInterrupted();
if (input.files.length) answered = recognize(); // some browsers remember the file
