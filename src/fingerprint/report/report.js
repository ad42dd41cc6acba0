"use strict";
// Sorts a table by the column whose heading is pressed. Rows keep their order where values are equal.
document.addEventListener("click", function (event) {
  const button = event.target.closest("th button");
  if (!button) return;
  const heading = button.parentElement, row = heading.parentElement, table = heading.closest("table");
  const column = Array.prototype.indexOf.call(row.children, heading);
  const down = heading.getAttribute("aria-sort") !== "descending";
  for (const other of row.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = function (tr) {
    const cell = tr.children[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).map(function (tr) { return [value(tr), tr]; });
  rows.sort(function (a, b) {
    const order = typeof a[0] === "number" ? a[0] - b[0] : a[0].localeCompare(b[0]);
    return down ? -order : order;
  });
  body.append.apply(body, rows.map(function (pair) { return pair[1]; }));
});
// What is folded away on the screen is part of the printed page, except account tables, which are in accounts.parquet.
const opened = [];
window.addEventListener("beforeprint", function () {
  for (const fold of document.querySelectorAll("details:not([open]):not(.long)")) { fold.open = true; opened.push(fold); }
});
window.addEventListener("afterprint", function () { while (opened.length) opened.pop().open = false; });
