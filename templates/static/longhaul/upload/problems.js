// Refusals, as the API's problem+json tells them.

import { sending } from "./parts.js";

const sentences = JSON.parse(sending.dataset.problems);
const AFTER_A_WHILE = ["queue-full", "owner-queue-full", "too-many-resumable-uploads"];

// The answer to a request that the browser has repeated by itself, after a cut, while the server still had the first one.
const OF_A_REPEATED_REQUEST = "incomplete-body";

// What an error of tus-js-client means. `isPassing`: trying again may help.
export const problemOf = (error) => {
  const response = error.originalResponse;
  const status = error.causingError?.status ?? response?.getStatus() ?? 0;
  let body = {};
  try {
    body = JSON.parse(response.getBody());
  } catch {
    // A proxy has answered, or nobody.
  }
  const code = body.code ?? (status === 401 || status === 403 ? "not-authenticated" : status ? "" : "unreachable");
  const isOfNow = status === 0 || [409, 423].includes(status) || status >= 500 || code === OF_A_REPEATED_REQUEST;
  const isPassing = isOfNow && code !== "queue-full";
  const detail = body.errors?.map((one) => one.detail).join(" ") || body.detail;
  return { status, code, detail, isPassing };
};

export const sentenceOf = ({ status, code, detail }) => {
  const isSignedOut = status === 401 || status === 403;
  return sentences[isSignedOut ? "not-authenticated" : code] ?? detail ?? sentences.unknown;
};

// Whether the user can go on, at once or after a while.
export const mayGoOn = ({ code, isPassing }) => isPassing || AFTER_A_WHILE.includes(code);
