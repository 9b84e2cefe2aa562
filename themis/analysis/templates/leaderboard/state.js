// What the reader has chosen, and the same as the fragment of the page's address, so that a view can be linked.

const DEFAULTS = {
  criterion: "",
  language: "",
  subset: "",
  family: "",
  class: "",
  from: "",
  to: "",
  search: "",
  ties: "half", // half: a tie counts half; strict: a tie is wrong
  mean: "micro", // micro: every pair counts the same; macro: every criterion does
  sort: "accuracy",
  order: "descending",
  model: "", // whose profile is open
};
const GROUPING = { criterion: "aspect", language: "language", subset: "subset" };
const KINDS = { scalar: "Scalar", generative: "Generative", baseline: "Baseline", unknown: "Unknown" };

// The state a fragment tells; what it does not know, or the board does not have, is left at its default.
function stateOf(fragment, board) {
  const told = new URLSearchParams(fragment.replace(/^#/, ""));
  const allowed = choices(board);
  const state = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    const value = told.get(name);
    if (value !== null && (!allowed[name] || allowed[name].includes(value))) state[name] = value;
  }
  const names = board.models.map((model) => model.name);
  state.compare = [...new Set(told.getAll("compare"))].filter((name) => names.includes(name)).slice(0, 2);
  return state;
}

function fragmentOf(state) {
  const told = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS)) if (state[name] !== value) told.set(name, state[name]);
  for (const name of state.compare) told.append("compare", name);
  return told.toString();
}

// The values each part of the state may have; a search may be anything.
function choices(board) {
  const sizes = sizesOf(board).map(String);
  return {
    ...Object.fromEntries(Object.entries(GROUPING).map(([name, by]) => [name, ["", ...board.columns[by].names]])),
    family: ["", ...familiesOf(board)],
    class: ["", ...kindsOf(board)],
    from: ["", ...sizes],
    to: ["", ...sizes],
    ties: ["half", "strict"],
    mean: ["micro", "macro"],
    sort: COLUMNS.map((column) => column.name),
    order: ["ascending", "descending"],
    model: ["", ...board.models.map((model) => model.name)],
  };
}

function sizesOf(board) {
  const sizes = board.models.map((model) => model.size).filter((size) => size !== null);
  return [...new Set(sizes)].sort((a, b) => a - b);
}

function familiesOf(board) {
  return [...new Set(board.models.map((model) => model.family))].sort(byText);
}

function kindsOf(board) {
  return Object.keys(KINDS).filter((kind) => board.models.some((model) => model.kind === kind));
}

// Whether the reader wants to see a model. One of unknown size is shown unless a bound is set.
function isShown(model, state) {
  const { size } = model;
  return (
    (!state.family || model.family === state.family) &&
    (!state.class || model.kind === state.class) &&
    (!state.from || (size !== null && size >= Number(state.from))) &&
    (!state.to || (size !== null && size <= Number(state.to))) &&
    model.name.toLowerCase().includes(state.search.trim().toLowerCase())
  );
}

function byText(a, b) {
  const [first, second] = [a.toLowerCase(), b.toLowerCase()];
  return first < second ? -1 : first > second ? 1 : 0;
}
