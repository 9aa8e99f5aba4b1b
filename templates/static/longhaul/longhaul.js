// Submit a form marked data-once only once, however often its button is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("once" in form.dataset)) return;
  if (form.hasAttribute("aria-busy")) event.preventDefault();
  else form.setAttribute("aria-busy", "true");
});

// After a return with the browser's Back button, the form may be submitted again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// Copy buttons are shown only when JavaScript is on. Browsers offer the clipboard only on secure pages (https or
// localhost); on other pages, select the text so that the user can copy it.
const showCopyButtons = () => {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
};
document.addEventListener("DOMContentLoaded", showCopyButtons);
document.addEventListener("shown", showCopyButtons); // live.js and parts.js dispatch it when they have changed the page
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  const told = button.parentElement.querySelector("[data-copied]");
  try {
    await navigator.clipboard.writeText(text.value ?? text.textContent);
    told.textContent = button.dataset.copiedText;
  } catch {
    if (text.select) text.select();
    else document.getSelection().selectAllChildren(text);
    told.textContent = button.dataset.selectedText;
  }
});
