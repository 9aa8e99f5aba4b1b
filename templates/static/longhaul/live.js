// Parts of a page that follow their jobs. A page includes jobs/live_scripts.html in its head, and in its body
// jobs/live_notes.html, which has the live regions and the button for notifications.
//
// <section id="…" data-follow="/reports/live"       The part is requested again from this address and morphed into the
//                                                   answer, which is the same element. In an answer without data-follow
//                                                   nothing is active any more, and the requests end. The view is
//                                                   wrapped in jobs.pages.live.live_part: unchanged content is a 304.
//          data-tab="42 % Yearly sales">            Title of the tab while the part says so; without it, the page's own.
//   <li id="…" data-job="active"                    A job (it may be the part itself): active, or ended. Once it has
//              data-says="Yearly sales: Complete">  ended, data-says is announced, and is a notification in a hidden tab.
//
// The user is not disturbed: the focus, ticked boxes and open <details> stay, the items of an open menu do not change, and
// nothing changes while text in the part is selected. Each element that can have the focus needs an id.

const FASTEST = 2000; // milliseconds between two requests; again after a change, or when the user comes back
const SLOWEST = 15000; // as long as nothing changes, and in a hidden tab that notifies
const GROWTH = 1.5;
const PATIENCE = 10000; // milliseconds for one request; after sleep, a connection can be dead without knowing it
const GONE = [401, 403, 404, 410];

const ownTitle = document.title;
const brand = ownTitle.split(" – ").at(-1);
const followsAny = document.querySelector("[data-follow]") !== null;
let news = ""; // the job that ended last, until the user looks

const note = (name) => document.querySelector(`[data-${name}]`);
const isFollowed = (part) => part?.dataset.follow !== undefined;
const jobsIn = (part, state) => [part, ...part.querySelectorAll("[data-job]")].filter((one) => one.dataset.job === state);

const showTitle = (part) => {
  const progress = part?.dataset.tab;
  const told = document.hidden ? news || progress : progress || news;
  document.title = told ? `${told} – ${brand}` : ownTitle;
};

// Notifications: the browser asks once, and this browser remembers the choice.

const mayNotify = () => "Notification" in window && Notification.permission === "granted";
const notifies = () => mayNotify() && localStorage.getItem("notify") === "on";

const notify = (job) => {
  try {
    const shown = new Notification(job.dataset.says, { tag: job.id, icon: document.querySelector("link[rel=apple-touch-icon]")?.href });
    shown.addEventListener("click", () => window.focus());
  } catch {
    // Some phones have notifications only for installed apps.
  }
};

const showButton = () => {
  const button = note("notify");
  if (!button) return;
  const isOffered = "Notification" in window && Notification.permission !== "denied";
  button.hidden = !isOffered || !followsAny;
  button.setAttribute("aria-pressed", notifies());
};

document.addEventListener("click", async (event) => {
  if (!event.target.closest?.("[data-notify]")) return;
  localStorage.setItem("notify", notifies() ? "off" : "on");
  if (!mayNotify()) await Notification.requestPermission();
  showButton();
});

// Showing an answer

const keepsWhatIsOpen = {
  beforeNodeMorphed: (now) => !now.matches?.("details.menu[open]"),
  beforeAttributeUpdated: (name) => name !== "checked" && name !== "open",
};

const isSelecting = (part) => {
  const selection = document.getSelection();
  return !selection.isCollapsed && selection.containsNode(part, true);
};

const morph = (part, html) => {
  const active = jobsIn(part, "active").map((job) => job.id);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const row = focused?.closest("[data-job]")?.id;
  Idiomorph.morph(part, html, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: keepsWhatIsOpen });
  const after = document.getElementById(part.id);
  if (focused && !focused.isConnected) (document.getElementById(row)?.querySelector("a") ?? after).focus();
  const ended = jobsIn(after, "ended").filter((job) => active.includes(job.id));
  if (ended.length) {
    news = ended.at(0).dataset.says;
    note("announcement").textContent = ended.map((job) => job.dataset.says).join(". ");
    if (document.hidden && notifies()) ended.forEach(notify);
  }
  showTitle(after);
  document.dispatchEvent(new Event("shown"));
};

// Asking

class Follower {
  constructor(part) {
    Object.assign(this, { id: part.id, etag: "", html: "", isShown: true });
    Object.assign(this, { delay: FASTEST, failures: 0, timer: 0, asking: null });
    this.plan();
  }

  get part() {
    return document.getElementById(this.id);
  }

  plan() {
    clearTimeout(this.timer);
    if (!isFollowed(this.part) || (document.hidden && !notifies())) return;
    this.timer = setTimeout(() => this.ask(), document.hidden ? SLOWEST : this.delay);
  }

  // The user is back, or the network: what was asked before may never be answered.
  wake() {
    this.delay = FASTEST;
    if (isFollowed(this.part) && !document.hidden) this.ask();
  }

  async ask() {
    clearTimeout(this.timer);
    this.asking?.abort();
    const mine = (this.asking = new AbortController());
    const impatience = setTimeout(() => mine.abort(), PATIENCE);
    let changed = false;
    try {
      if (!isSelecting(this.part)) {
        if (!this.isShown) this.show();
        changed = await this.refresh(mine.signal);
      }
      this.failures = 0;
    } catch {
      if (this.asking === mine) this.failures += 1;
    }
    clearTimeout(impatience);
    if (this.asking !== mine) return; // a later request goes on
    this.asking = null;
    this.delay = changed ? FASTEST : Math.min(this.delay * GROWTH, SLOWEST);
    this.tellConnection();
    this.plan();
  }

  // Whether anything has changed. Throws if there is no answer, or only an error that will pass.
  async refresh(signal) {
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    const answer = await fetch(this.part.dataset.follow, { headers, signal, redirect: "manual", cache: "no-store" });
    if (answer.status === 304) return false;
    if (answer.type === "opaqueredirect" || GONE.includes(answer.status)) {
      location.reload(); // signed out, or deleted in another tab: the page says so
      return false;
    }
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    const isFirst = this.etag === "";
    this.etag = answer.headers.get("ETag") ?? "";
    const changed = html !== this.html;
    this.html = html;
    if (changed) this.show();
    return changed && !isFirst;
  }

  show() {
    this.isShown = !isSelecting(this.part);
    if (this.html && this.isShown) morph(this.part, this.html);
  }

  tellConnection() {
    const told = note("connection");
    const text = this.failures > 1 ? told.dataset.connection : "";
    if (told.textContent !== text) told.textContent = text;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  showButton();
  const followers = [...document.querySelectorAll("[data-follow]")].map((part) => new Follower(part));
  followers.forEach((follower) => showTitle(follower.part));
  const wake = () => followers.forEach((follower) => follower.wake());

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return followers.forEach((follower) => follower.plan());
    news = "";
    followers.forEach((follower) => showTitle(follower.part));
    wake();
  });
  document.addEventListener("resume", wake); // the browser had frozen the page
  window.addEventListener("focus", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", (event) => event.persisted && wake());
  // A menu that was open has kept its items. They change before it opens again: the event `toggle` may come later.
  document.addEventListener("click", (event) => {
    const menu = event.target.closest?.("details.menu");
    if (menu && !menu.open) followers.forEach((follower) => follower.show());
  }, true);
});
