// The catalogue is filtered while somebody types; without JavaScript, by the button beside the search.
const form = document.querySelector("[data-filter=catalogue]");
if (form) {
  const search = form.querySelector("[type=search]");
  const none = document.getElementById("catalogue-none");
  form.querySelector("[data-without-script]").hidden = true;
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of document.querySelectorAll("#catalogue [data-group]")) {
      let here = 0;
      for (const entry of group.querySelectorAll("[data-text]")) {
        entry.hidden = !words.every((word) => entry.dataset.text.includes(word));
        if (!entry.hidden) here += 1;
      }
      group.hidden = here === 0;
      found += here;
    }
    none.hidden = found > 0;
  };
  search.addEventListener("input", filter);
  if (search.value === search.defaultValue && !search.value) filter();
}
