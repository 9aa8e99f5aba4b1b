// A click on a heading sorts a table marked data-sortable by that column. Without this script, the link in the heading
// lets the server sort. Empty cells come last in both directions.

const collator = new Intl.Collator(document.documentElement.lang);

const sortBy = (table, heading, direction) => {
  const place = heading.cellIndex;
  const text = (row) => row.cells[place].textContent;
  const compare = heading.classList.contains("number")
    ? (one, other) => Number(text(one)) - Number(text(other))
    : (one, other) => collator.compare(text(one), text(other));
  const rows = [...table.tBodies[0].rows];
  const filled = rows.filter((row) => text(row) !== "").sort(compare);
  if (direction === "descending") filled.reverse();
  table.tBodies[0].append(...filled, ...rows.filter((row) => text(row) === ""));
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("table[data-sortable] th a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const heading = link.closest("th");
  sortBy(link.closest("table"), heading, heading.ariaSort === "ascending" ? "descending" : "ascending");
});
