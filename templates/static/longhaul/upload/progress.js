// How far the file is: the bar, the numbers, the title of the tab, and one sentence about the state.

import { part, sending } from "./parts.js";

const RATE_OVER = 10_000; // milliseconds: the rate is that of the last ones

const language = document.documentElement.lang;
const title = document.title;
let samples = []; // [milliseconds, bytes]
let began = 0;

export const isIn = (...states) => states.includes(sending.dataset.state);

// Milliseconds since the last byte was sent, or since sending began, or began again.
export const silence = () => performance.now() - Math.max(samples.at(-1)?.[0] ?? 0, began);

export const restart = () => {
  began = performance.now();
  show("sending");
};

export const begin = (file) => {
  sending.hidden = false;
  part("name").textContent = file.name;
  part("problem").hidden = true;
  for (const name of ["bytes", "rate", "left"]) part(name).textContent = "–";
  part("bar").value = 0;
  restart();
  sending.focus();
};

export const end = () => {
  document.title = title;
  sending.hidden = true;
};

export const showProgress = (sent, total) => {
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
export const show = (state) => {
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
