// Elements, numbers and bars. Text is always set as text: a model's name is never read as markup.

const ROLES = {
  table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell", th: "columnheader",
}; // told in full, because narrow pages lay tables out as blocks

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  if (ROLES[tag]) made.setAttribute("role", ROLES[tag]);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

// An estimate to scale: a bar from `origin` to the value, a band for its interval, and a line at `line`.
function bar(estimate, { least = 0, most = 1, line = 0.5, origin = 0 } = {}) {
  const at = (value) => (1000 * (Math.min(most, Math.max(least, value)) - least)) / (most - least);
  const svg = shape("svg", {
    class: "bar", viewBox: "0 0 1000 20", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false",
  });
  const block = (name, from, to, y, height) =>
    svg.append(
      shape("rect", { class: name, x: Math.min(at(from), at(to)), width: Math.abs(at(to) - at(from)), y, height }),
    );
  const mark = (name, x, y1, y2) => svg.append(shape("line", { class: name, x1: at(x), x2: at(x), y1, y2 }));
  block("bar-scale", least, most, 3, 14);
  if (Number.isFinite(estimate.value)) block("bar-value", origin, estimate.value, 3, 14);
  mark("bar-line", line, 0, 20);
  if (Number.isFinite(estimate.low)) block("bar-interval", estimate.low, estimate.high, 7, 6);
  if (Number.isFinite(estimate.value)) mark("bar-mark", estimate.value, 2, 18);
  return svg;
}

// A cell with a bar and what it shows in numbers; the exact numbers are in its data.
function estimateCell(title, estimate, drawn, said) {
  const cell = element("td", { class: "estimate", "data-title": title });
  fillEstimate(cell, estimate, drawn, said);
  return cell;
}

function fillEstimate(cell, estimate, drawn, said) {
  for (const name of ["value", "low", "high"]) cell.dataset[name] = String(estimate[name]);
  cell.replaceChildren(element("div", {}, drawn, said));
}

function numberCell(title, value, said = count(value)) {
  return element("td", { class: "number", "data-title": title, "data-value": value }, said);
}

function saidEstimate(estimate, format) {
  if (!Number.isFinite(estimate.value)) return element("span", { class: "said" }, "–");
  const ends = Number.isFinite(estimate.low)
    ? element("small", {}, ` ${format(estimate.low)} to ${format(estimate.high)}`)
    : element("small", {}, " no interval");
  return element("span", { class: "said" }, element("b", {}, format(estimate.value)), ends);
}

const percent = (share) => (100 * share).toFixed(1);
const count = (number) => number.toLocaleString("en-GB");
const sizeSaid = (size) => (size === null ? "–" : `${size}B`);

// A difference of shares in points, with its sign.
function points(difference) {
  const said = (100 * difference).toFixed(1);
  if (Number(said) === 0) return "0.0";
  return difference > 0 ? `+${said}` : said.replace("-", "−");
}

function probability(p) {
  if (!Number.isFinite(p)) return "–";
  if (p < 0.0001) return "< 0.0001";
  return p < 0.1 ? String(Number(p.toPrecision(2))) : p.toFixed(2);
}
