"use strict";
// Lets a reader sort a table by a column. Without this script the tables stay as they are, complete.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    if (!head.textContent) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head, column, heads, body));
    head.replaceChildren(button);
  });
}

function sort(head, column, heads, body) {
  const numeric = head.classList.contains("number");
  const first = numeric ? "descending" : "ascending";
  const other = numeric ? "ascending" : "descending";
  const order = head.getAttribute("aria-sort") === first ? other : first;
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...body.rows].map((row) => [key(row.cells[column], numeric), row]);
  rows.sort(([a], [b]) => sign * (numeric ? a - b : a.localeCompare(b)));
  body.append(...rows.map(([, row]) => row));
  for (const each of heads) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
}

function key(cell, numeric) {
  if (!numeric) return cell.textContent;
  const data = cell.querySelector("data");
  return data ? Number(data.value) : Number.NEGATIVE_INFINITY;
}
