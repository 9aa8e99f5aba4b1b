// The order form: columns that move, rows of a table that are searched, and a name that is saved by Enter.
// Without JavaScript, the form has checkboxes in the usual order, and lists or plain inputs.

// Columns

for (const choice of document.querySelectorAll("[data-columns]")) {
  for (const button of choice.querySelectorAll("[data-move], [data-with-script]")) button.hidden = false;
  const list = choice.querySelector("ul");
  const moved = choice.querySelector("[data-moved]");
  if (!list) continue;
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move], [data-tick]");
    if (!button) return;
    if (button.dataset.tick) {
      for (const box of list.querySelectorAll("input")) box.checked = button.dataset.tick === "all";
      return;
    }
    const item = button.closest("li");
    if (button.dataset.move === "up") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    button.focus(); // moving an element takes the focus from it
    const place = [...list.children].indexOf(item) + 1;
    const heading = item.querySelector("input").value;
    moved.textContent = moved.dataset.text.replace("%(heading)s", () => heading).replace("%(place)s", place);
  });
}

// Lookups: the search takes the place of the list or the input, which keeps the value and is what the form sends.

const PAUSE = 200; // milliseconds after the last key

for (const lookup of document.querySelectorAll("[data-lookup]")) {
  const value = lookup.querySelector("[data-value]");
  const search = lookup.querySelector("[data-search]");
  const found = lookup.querySelector("[role=listbox]");
  const isList = value.tagName === "SELECT";
  let label = isList ? (value.value ? value.selectedOptions[0].textContent : "") : value.dataset.label || value.value;
  let active = -1;
  let waiting = 0;
  let asking = null;

  search.id = value.id;
  value.id += "-value";
  search.required = value.required;
  value.required = false;
  value.hidden = true;
  search.hidden = search.disabled = false;
  search.value = label;

  const options = () => [...found.querySelectorAll("[data-value]")];
  const open = (isOpen) => {
    found.hidden = !isOpen;
    search.setAttribute("aria-expanded", isOpen);
    if (!isOpen) mark(-1);
  };
  const mark = (index) => {
    active = index;
    for (const [place, option] of options().entries()) option.setAttribute("aria-selected", place === index);
    if (options()[index]) {
      search.setAttribute("aria-activedescendant", options()[index].id);
      options()[index].scrollIntoView({ block: "nearest" });
    } else search.removeAttribute("aria-activedescendant");
  };
  const set = (key, text) => {
    if (isList && ![...value.options].some((option) => option.value === key)) value.add(new Option(text, key));
    value.value = key;
    label = search.value = text;
    open(false);
  };

  // Only the latest answer counts, and only while the user is still searching.
  const look = async () => {
    clearTimeout(waiting);
    asking?.abort();
    asking = new AbortController();
    const address = `${search.dataset.search}&q=${encodeURIComponent(search.value)}`;
    const answer = await fetch(address, { signal: asking.signal, redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload(); // signed out
    if (!answer.ok) return;
    found.innerHTML = await answer.text();
    mark(-1);
    if (document.activeElement === search) open(true);
  };
  const lookSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => look().catch(() => {}), PAUSE);
  };

  search.addEventListener("focus", () => search.select());
  search.addEventListener("input", () => {
    if (!search.value) set("", "");
    lookSoon();
  });
  search.addEventListener("blur", () => {
    search.value = label; // what was typed but not chosen is no value
    open(false);
  });
  search.addEventListener("keydown", (event) => {
    const last = options().length - 1;
    if (event.key === "ArrowDown") {
      if (found.hidden) look().catch(() => {});
      else mark(active < last ? active + 1 : 0);
    } else if (event.key === "ArrowUp") mark(active > 0 ? active - 1 : last);
    else if (event.key === "Enter" && !found.hidden) {
      const option = options()[active < 0 ? 0 : active];
      if (option) set(option.dataset.value, option.textContent);
    } else if (event.key === "Escape" && !found.hidden) open(false);
    else return;
    event.preventDefault();
  });
  found.addEventListener("mousedown", (event) => {
    event.preventDefault(); // keep the focus in the search
    const option = event.target.closest("[data-value]");
    if (option) set(option.dataset.value, option.textContent);
  });
}

// Enter in the name saves the order; browsers would press the form's first button, which orders.

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.id !== "save-name") return;
  event.preventDefault();
  event.target.closest("details").querySelector("[name=save]").click();
});
