// Parts of the admin that refresh themselves with the htmx of the theme. longhaul.js is loaded before.

document.addEventListener("htmx:load", showCopyButtons);

// A hidden tab does not poll. A part of the admin that refreshes automatically (data-live) waits while the user works in
// it, because new content would discard the focus, a text selection or a ticked checkbox.
document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target;
  if (document.hidden || ("live" in part.dataset && isInUse(part))) event.preventDefault();
});

const isInUse = (part) => {
  const focused = document.activeElement;
  const selection = document.getSelection();
  return (
    (part.contains(focused) && !focused.id) || // htmx restores the focus only to an element with an id
    (!selection.isCollapsed && part.contains(selection.anchorNode)) ||
    part.querySelector("input[type=checkbox]:checked, form[aria-busy]") !== null
  );
};

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "shown");
});

const unfolded = new Map(); // id of a part → ids of the details in it

// Keep open <details> open. When the session has expired, the response is the sign-in page: reload instead of swapping.
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.target;
  if (!("live" in part.dataset)) return;
  const { responseURL } = event.detail.xhr;
  if (responseURL && new URL(responseURL).pathname !== location.pathname) {
    event.detail.shouldSwap = false;
    location.reload();
    return;
  }
  unfolded.set(part.id, [...part.querySelectorAll("details[open][id]")].map((details) => details.id));
});

document.addEventListener("htmx:load", (event) => {
  for (const id of unfolded.get(event.target.id) ?? []) document.getElementById(id)?.setAttribute("open", "");
});

// When the page loads, the theme's list script connects the row checkboxes to the header checkbox and the counter. After a
// refresh, connect them at the first click on a checkbox. Doing it at every refresh would keep every former list in memory,
// because the script's listeners stay on the document.
const refreshed = new WeakSet();
document.addEventListener("htmx:load", (event) => refreshed.add(event.target));
document.addEventListener("click", (event) => {
  if (!event.target.matches(".action-toggle, .action-select")) return;
  const list = event.target.closest("[data-live]");
  if (refreshed.delete(list)) Actions(list.querySelectorAll("tr input.action-select"), { parent: list });
}, true);

// The scripts of the theme and of Django create these elements after the page has loaded, without names for screen readers.
const nameParts = () => {
  const menu = document.querySelector("#nav-sidebar-apps .simplebar-content-wrapper");
  if (menu) menu.ariaLabel = "Menu, scrollable";
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.role = "img";
};
window.addEventListener("load", () => setTimeout(nameParts));
