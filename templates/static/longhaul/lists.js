// Lists whose rows can be selected: a box that ticks all of them, how many are ticked, and what to do with these.
const boxes = () => [...document.querySelectorAll("input[form=selection][name=job]")];

const count = () => {
  const all = document.getElementById("select-all");
  if (!all) return;
  const ticked = boxes().filter((box) => box.checked).length;
  all.checked = ticked > 0 && ticked === boxes().length;
  all.indeterminate = ticked > 0 && !all.checked;
  const told = document.querySelector("[data-selected]");
  for (const button of document.querySelectorAll("#selection button")) button.hidden = !ticked;
  told.textContent = ticked ? told.dataset.selected.replace("0", ticked) : "";
};

document.addEventListener("change", (event) => {
  if (event.target.id === "select-all") for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("#select-all, input[form=selection]")) count();
});
document.addEventListener("DOMContentLoaded", () => {
  const all = document.querySelector("[data-select-all]");
  if (all) all.hidden = false;
  count();
});
