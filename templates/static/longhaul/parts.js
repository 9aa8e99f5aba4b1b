// Parts of a page that are loaded after the rest: the answer from the address in data-load takes the place of the part.
// Until then, and without JavaScript, a link in the part leads to a whole page with the answer in it.

const load = async (part) => {
  const address = part.dataset.load;
  delete part.dataset.load; // live.js may put the part back, and then it is loaded again
  const answer = await fetch(address, { headers: { "X-Fragment": "1" }, redirect: "manual", cache: "no-store" });
  if (answer.type === "opaqueredirect") return location.reload(); // signed out, or the file has expired
  if (!answer.ok || !part.isConnected) return;
  part.outerHTML = await answer.text();
  document.dispatchEvent(new Event("shown"));
};

const loadParts = () => {
  for (const part of document.querySelectorAll("[data-load]")) load(part).catch(() => {}); // the link stays
};
document.addEventListener("DOMContentLoaded", loadParts);
document.addEventListener("shown", loadParts);
