{% load static %}// Shows a page of ours instead of the browser's own when the server cannot be reached. It keeps nothing else, and leaves
// everything but the loading of pages to the browser.
const CACHE = "longhaul-{{ version }}";
const OFFLINE = "{% url 'offline' %}";
const KEPT = [OFFLINE, "{% static 'longhaul/longhaul.css' %}", "{% static 'longhaul/pages.css' %}", "{% static 'longhaul/pages.js' %}"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))));
});

self.addEventListener("fetch", (event) => {
  const { mode, url } = event.request;
  const { pathname } = new URL(url);
  if (mode === "navigate" && event.request.method === "GET" && !pathname.startsWith("/api/") && !pathname.startsWith("/admin/")) {
    event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
  } else if (KEPT.includes(pathname)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(event.request)));
  }
});
