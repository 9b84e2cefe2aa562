// The ranking: one row per model, sorted by any column; a row opens the model's profile.

const number = (cell) => (entry) => (Number.isFinite(cell(entry)) ? cell(entry) : null);
const COLUMNS = [
  { name: "rank", title: "Rank", key: number((entry) => entry.rank), first: "ascending", number: true },
  { name: "model", title: "Model", key: (entry) => entry.model.name, first: "ascending" },
  { name: "family", title: "Family", key: (entry) => entry.model.family, first: "ascending" },
  { name: "size", title: "Size", key: (entry) => entry.model.size, first: "descending", number: true },
  { name: "accuracy", title: "Accuracy, %", key: number((entry) => entry.result.value), first: "descending" },
  { name: "ties", title: "Ties", key: (entry) => entry.result.ties, first: "descending", number: true },
  { name: "missing", title: "Missing", key: (entry) => entry.result.missing, first: "descending", number: true },
  { name: "n", title: "Pairs", key: (entry) => entry.result.n, first: "descending", number: true },
];

// Build the table once; returns what `showTable` needs.
function buildTable(holder, board, act) {
  const heads = COLUMNS.map((column) => headCell(column, act));
  const body = element("tbody");
  const choose = element("th", { scope: "col", class: "choose" }, "Compare");
  const table = element(
    "table",
    { class: "board", "aria-labelledby": "leaderboard" },
    element("thead", {}, element("tr", {}, choose, ...heads)),
    body,
  );
  holder.append(table);
  return { heads, body, rows: board.models.map((model, place) => modelRow(model, place, act)) };
}

function headCell(column, act) {
  const arrow = element("span", { class: "arrow", "aria-hidden": "true" });
  const button = element("button", { type: "button", onclick: () => act.sort(column) }, column.title, arrow);
  const head = element("th", { scope: "col", class: column.number ? "number" : column.name }, button);
  if (column.name === "accuracy") head.append(scale());
  return head;
}

function scale() {
  const marks = ["0", "50", "100"].map((said) => element("span", {}, said));
  return element("div", { class: "scale", "aria-hidden": "true" }, element("div", {}, ...marks), element("i"));
}

function modelRow(model, place, act) {
  const box = element("input", {
    type: "checkbox", "aria-label": `Compare ${model.name}`, onchange: () => act.compare(model.name),
  });
  const opener = element(
    "button",
    { type: "button", class: "opener", "aria-expanded": "false", onclick: () => act.open(model.name) },
    model.name,
  );
  const cells = {
    rank: numberCell("Rank", NaN, ""),
    family: element("td", { class: "family", "data-title": "Family" }, model.family),
    size: numberCell("Size", model.size, sizeSaid(model.size)),
    accuracy: element("td", { class: "estimate accuracy", "data-title": "Accuracy, %" }),
    ties: numberCell("Ties", 0),
    missing: numberCell("Missing", 0),
    n: numberCell("Pairs", 0),
  };
  cells.rank.classList.add("rank");
  cells.size.classList.add("size");
  const named = element("th", { scope: "row", class: "model" }, opener);
  named.setAttribute("role", "rowheader");
  const { rank, ...rest } = cells;
  const row = element("tr", { class: "entry" }, element("td", { class: "choose" }, box), rank, named);
  row.append(...Object.values(rest));
  row.addEventListener("click", (event) => {
    if (!event.target.closest("button, input, a, .choose")) act.open(model.name);
  });
  return { row, box, opener, cells, id: `profile-${place}` };
}

// Entries to show, each {model, place, result, rank}, in order.
function showTable(table, entries, state, profileOf) {
  for (const [place, head] of table.heads.entries()) showOrder(head, COLUMNS[place], state);
  const rows = [];
  for (const entry of entries) {
    const own = table.rows[entry.place];
    fillRow(own, entry, state);
    rows.push(own.row);
    if (state.model === entry.model.name) rows.push(detailRow(profileOf(entry.model), own));
  }
  if (!entries.length) rows.push(emptyRow());
  const focused = document.activeElement;
  table.body.replaceChildren(...rows);
  if (focused && focused !== document.activeElement && table.body.contains(focused)) focused.focus();
}

function showOrder(head, column, state) {
  const sorted = state.sort === column.name;
  head.setAttribute("aria-sort", sorted ? state.order : "none");
  head.querySelector(".arrow").textContent = sorted ? (state.order === "ascending" ? "▲" : "▼") : "";
}

function fillRow({ row, box, opener, cells, id }, { model, result, rank }, state) {
  const open = state.model === model.name;
  row.classList.toggle("open", open);
  box.checked = state.compare.includes(model.name);
  opener.setAttribute("aria-expanded", String(open));
  if (open) opener.setAttribute("aria-controls", id);
  else opener.removeAttribute("aria-controls");
  fillEstimate(cells.accuracy, result, bar(result), saidEstimate(result, percent));
  fillNumber(cells.rank, rank, Number.isFinite(rank) ? String(rank) : "–");
  for (const name of ["ties", "missing", "n"]) fillNumber(cells[name], result[name]);
}

function fillNumber(cell, value, said = count(value)) {
  cell.dataset.value = String(value);
  cell.textContent = said;
}

function detailRow(profile, { id }) {
  return element("tr", { class: "detail", id }, element("td", { colspan: COLUMNS.length + 1 }, profile));
}

function emptyRow() {
  return element("tr", {}, element("td", { colspan: COLUMNS.length + 1 }, "No model matches these filters."));
}

// Sorted by the chosen column; what has no value comes last, equal ones by accuracy and name.
function sorted(entries, state) {
  const { key } = COLUMNS.find((column) => column.name === state.sort);
  const sign = state.order === "ascending" ? 1 : -1;
  const accuracy = (entry) => (Number.isFinite(entry.result.value) ? entry.result.value : -1);
  const inOrder = (a, b) => {
    const [first, second] = [key(a), key(b)];
    if (first === null || second === null) return (first === null) - (second === null);
    return sign * (typeof first === "string" ? byText(first, second) : first - second);
  };
  return [...entries].sort(
    (a, b) => inOrder(a, b) || accuracy(b) - accuracy(a) || byText(a.model.name, b.model.name),
  );
}

// Places by accuracy, from 1; equal ones share a place.
function ranked(entries) {
  const values = entries.map((entry) => entry.result.value).sort((a, b) => b - a);
  return entries.map((entry) => ({ ...entry, rank: values.indexOf(entry.result.value) + 1 || NaN }));
}
