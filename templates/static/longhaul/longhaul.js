// A form marked data-once is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("once" in form.dataset)) return;
  if (form.hasAttribute("aria-busy")) event.preventDefault();
  else form.setAttribute("aria-busy", "true");
});

// Coming back with the browser's Back button, it may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// Buttons that copy a text are shown where there is JavaScript. Browsers have a clipboard only where the page is secure
// (https, or this machine); elsewhere the text is selected, to be copied by hand.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  const told = button.parentElement.querySelector("[data-copied]");
  try {
    await navigator.clipboard.writeText(text.textContent);
    told.textContent = "Copied.";
  } catch {
    document.getSelection().selectAllChildren(text);
    told.textContent = "The text is selected: copy it with your keyboard.";
  }
});

// A hidden tab does not ask for news. A part of the admin that refreshes itself (data-live) waits while somebody uses it:
// new content would take away the focus, a selection of text or a ticked box.
document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target;
  if (document.hidden || ("live" in part.dataset && isInUse(part))) event.preventDefault();
});

const isInUse = (part) => {
  const focused = document.activeElement;
  const selection = document.getSelection();
  return (
    (part.contains(focused) && !focused.id) || // htmx gives the focus back to what has an id
    (!selection.isCollapsed && part.contains(selection.anchorNode)) ||
    part.querySelector("input[type=checkbox]:checked, form[aria-busy]") !== null
  );
};

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "shown");
});

const unfolded = new Map(); // id of a part → ids of the details in it

// What was unfolded stays so. A session that has ended leads to the sign-in page, which is no part of this one.
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

// The theme's script for lists connects the checkboxes with the header's and with the counter when the page loads. In a list
// that was refreshed, the first click on a checkbox connects them: with each refresh, it would keep every former list in
// memory, for its listeners stay on the document.
const refreshed = new WeakSet();
document.addEventListener("htmx:load", (event) => refreshed.add(event.target));
document.addEventListener("click", (event) => {
  if (!event.target.matches(".action-toggle, .action-select")) return;
  const list = event.target.closest("[data-live]");
  if (refreshed.delete(list)) Actions(list.querySelectorAll("tr input.action-select"), { parent: list });
}, true);

// Parts that scripts of the admin's theme and of Django make once the page is loaded, with what they leave out for people
// who hear the page.
const nameParts = () => {
  const menu = document.querySelector("#nav-sidebar-apps .simplebar-content-wrapper");
  if (menu) menu.ariaLabel = "Menu, scrollable";
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.role = "img";
};
window.addEventListener("load", () => setTimeout(nameParts));
