"use strict";
// Sorts a table by the column whose heading is pressed. Rows keep their order where values are equal.
const number = function (text) { return /^[\d,.]+\s?%?$/.test(text) ? Number(text.replace(/[,%\s]/g, "")) : NaN; };
document.addEventListener("click", function (event) {
  const button = event.target.closest("th button");
  if (!button) return;
  const heading = button.parentElement, row = heading.parentElement, table = heading.closest("table");
  const column = Array.prototype.indexOf.call(row.children, heading);
  const down = heading.getAttribute("aria-sort") !== "descending", counts = heading.classList.contains("n");
  for (const other of row.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows).map(function (tr) {
    const text = tr.children[column].textContent, value = number(text);
    return [counts ? (Number.isNaN(value) ? -1 : value) : text, tr];
  });
  rows.sort(function (a, b) {
    const order = counts ? a[0] - b[0] : a[0].localeCompare(b[0]);
    return down ? -order : order;
  });
  body.append.apply(body, rows.map(function (pair) { return pair[1]; }));
});
// Leaves the rows of a table that have the words that are looked for.
document.addEventListener("input", function (event) {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean), table = document.getElementById(event.target.dataset.in);
  if (!table) return;
  let left = 0;
  for (const tr of table.tBodies[0].rows) {
    const text = tr.textContent.toLowerCase();
    tr.hidden = !words.every(function (word) { return text.includes(word); });
    left += !tr.hidden;
  }
  event.target.closest(".find").querySelector("output").textContent = words.length ? left + " of " + table.tBodies[0].rows.length : "";
});
// The map: zoom, move, and what each dot is.
(function () {
  const figure = document.getElementById("landscape");
  if (!figure) return;
  const svg = figure.querySelector("svg"), points = JSON.parse(document.getElementById("points").textContent), told = document.getElementById("point");
  const dots = Array.from(svg.querySelectorAll("circle")), whole = svg.viewBox.baseVal;
  const all = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  let view = Object.assign({}, all), at = null, from = null;
  const place = dots.map(function (dot) { return { x: Number(dot.getAttribute("cx")), y: Number(dot.getAttribute("cy")), r: Number(dot.getAttribute("r")) }; });
  const labels = Array.from(svg.querySelectorAll("text")), size = 12;
  const show = function () {
    svg.setAttribute("viewBox", [view.x, view.y, view.width, view.height].join(" "));
    const scale = view.width / all.width;  // dots and numbers keep their size on the screen
    dots.forEach(function (dot, i) { dot.setAttribute("r", (dot === at ? 2 : 1) * place[i].r * Math.sqrt(scale)); });
    for (const label of labels) { label.style.fontSize = size * scale + "px"; label.style.strokeWidth = 4 * scale + "px"; }
    figure.dataset.zoom = (1 / scale).toFixed(2);
  };
  const zoom = function (by, x, y) {
    const width = Math.min(all.width, Math.max(all.width / 24, view.width * by)), height = width * all.height / all.width;
    view = { x: x - (x - view.x) * width / view.width, y: y - (y - view.y) * height / view.height, width: width, height: height };
    inside();
  };
  const inside = function () {
    view.x = Math.min(Math.max(view.x, all.x), all.x + all.width - view.width);
    view.y = Math.min(Math.max(view.y, all.y), all.y + all.height - view.height);
    show();
  };
  const where = function (event) {
    const box = svg.getBoundingClientRect();
    return { x: view.x + (event.clientX - box.left) / box.width * view.width, y: view.y + (event.clientY - box.top) / box.height * view.height };
  };
  const tell = function (dot) {
    if (at) at.classList.remove("at");
    at = dot;
    told.replaceChildren();
    if (!dot) { show(); return; }
    dot.classList.add("at");
    const point = points[Number(dot.dataset.i)];
    const line = function (kind, text) { const div = document.createElement("div"); div.className = kind; div.textContent = text; told.append(div); };
    line("small soft", point[0] < 0 ? "charged with nothing" : "finding " + (point[0] + 1));
    line("prompt", point[2] === null ? "text not kept" : point[2]);
    line("small soft mono", point[1]);
    show();
  };
  const seen = function (i) { return getComputedStyle(dots[i].parentElement).display !== "none"; };
  const nearest = function (x, y, most) {
    let best = null, least = most * most;
    place.forEach(function (p, i) {
      const far = (p.x - x) * (p.x - x) + (p.y - y) * (p.y - y);
      if (far < least && seen(i)) { least = far; best = dots[i]; }
    });
    return best;
  };
  svg.addEventListener("wheel", function (event) { event.preventDefault(); const p = where(event); zoom(event.deltaY > 0 ? 1.25 : 0.8, p.x, p.y); }, { passive: false });
  svg.addEventListener("pointerdown", function (event) { from = { x: event.clientX, y: event.clientY, view: Object.assign({}, view) }; svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointerup", function () { from = null; });
  svg.addEventListener("pointermove", function (event) {
    const box = svg.getBoundingClientRect();
    if (from) {
      view.x = from.view.x - (event.clientX - from.x) / box.width * view.width;
      view.y = from.view.y - (event.clientY - from.y) / box.height * view.height;
      inside();
      return;
    }
    const p = where(event), dot = nearest(p.x, p.y, 16 * view.width / box.width);
    if (dot && dot !== at) tell(dot);
  });
  const step = function (dx, dy) {  // to the nearest dot that lies in a direction
    const start = at ? place[dots.indexOf(at)] : { x: view.x + view.width / 2, y: view.y + view.height / 2 };
    let best = null, least = Infinity;
    place.forEach(function (p, i) {
      const along = (p.x - start.x) * dx + (p.y - start.y) * dy, aside = Math.abs((p.x - start.x) * dy) + Math.abs((p.y - start.y) * dx);
      if (along <= 0.01 || dots[i] === at || !seen(i)) return;
      const far = along + 2 * aside;
      if (far < least) { least = far; best = dots[i]; }
    });
    if (!best) return;
    const p = place[dots.indexOf(best)];
    if (p.x < view.x || p.x > view.x + view.width || p.y < view.y || p.y > view.y + view.height) { view.x = p.x - view.width / 2; view.y = p.y - view.height / 2; inside(); }
    tell(best);
  };
  figure.addEventListener("keydown", function (event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (arrows && event.shiftKey) { view.x += arrows[0] * view.width / 8; view.y += arrows[1] * view.height / 8; inside(); }
    else if (arrows) step(arrows[0], arrows[1]);
    else if (event.key === "+" || event.key === "=") zoom(0.8, view.x + view.width / 2, view.y + view.height / 2);
    else if (event.key === "-") zoom(1.25, view.x + view.width / 2, view.y + view.height / 2);
    else if (event.key === "0") { view = Object.assign({}, all); show(); }
    else if (event.key === "Escape") tell(null);
    else return;
    event.preventDefault();
  });
  document.querySelector(".legend").addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    const alone = button.getAttribute("aria-pressed") !== "true";
    for (const other of document.querySelectorAll(".legend button")) other.setAttribute("aria-pressed", String(alone && other === button));
    for (const group of svg.querySelectorAll("g[data-c]")) group.style.display = alone && group.dataset.c !== button.dataset.c ? "none" : "";
    labels.forEach(function (label) { label.style.display = alone && label.textContent !== String(Number(button.dataset.c) + 1) ? "none" : ""; });
  });
})();
// What is folded away on the screen is part of the printed page, except account tables, which are in accounts.parquet.
const opened = [];
window.addEventListener("beforeprint", function () {
  for (const fold of document.querySelectorAll("details:not([open]):not(.long)")) { fold.open = true; opened.push(fold); }
});
window.addEventListener("afterprint", function () { while (opened.length) opened.pop().open = false; });
