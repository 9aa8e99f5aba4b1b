// What every page of users does; the admin has only longhaul.js. Without JavaScript, pages work and are less lively.

// Tell the server the browser's time zone, for visitors and for users who have not chosen one.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax`;

// A menu closes with Escape, and when the focus or a click goes elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A link in a summary of mistakes leads into its field. Firefox by itself only scrolls to an input of a date or a time.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[role=alert] a[href^='#']");
  const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  field?.focus();
  if (field && field === document.activeElement) event.preventDefault();
});

// Keep the page for when the server cannot be reached. That page reloads itself once there is a connection.
navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
if (document.querySelector("[data-offline]")) {
  window.addEventListener("online", () => location.reload());
  setTimeout(() => location.reload(), 15_000);
}
