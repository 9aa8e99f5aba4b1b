// Swagger UI has a dark theme, but the page must switch it on.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
followScheme();
dark.addEventListener("change", followScheme);

// Swagger UI gives screen readers no names for its regions, and its heading levels are not consecutive. Add both.
const name = (selector, attributes) => {
  for (const element of document.querySelectorAll(selector)) {
    for (const [key, value] of Object.entries(attributes)) {
      if (element.getAttribute(key) !== value) element.setAttribute(key, value);
    }
  }
};
const nameParts = () => {
  name("h3.opblock-tag, section.models > h4", { "aria-level": "2" });
  name(".information-container", { role: "region", "aria-label": "About the API" });
  name(".scheme-container", { role: "region", "aria-label": "Server and authorization" });
  name("select#servers", { "aria-label": "Server" });
};
document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver(nameParts).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
});
