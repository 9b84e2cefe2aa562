// The filters and toggles: labelled form controls that write into the state.

// Build them into `form`; `change(part)` is called with the parts of the state that the reader has changed.
function buildControls(form, board, change) {
  const grouped = (by) => board.columns[by].names.map((name, place) => [name, board.columns[by].labels[place]]);
  const sizes = sizesOf(board).map((size) => [String(size), sizeSaid(size)]);
  const inputs = [
    select("criterion", "Criterion", "All criteria", grouped("aspect")),
    select("language", "Language", "All languages", grouped("language")),
    select("subset", "Subset", "All subsets", grouped("subset")),
    select("family", "Family", "All families", familiesOf(board).map((name) => [name, name])),
    select("class", "Class", "All classes", kindsOf(board).map((kind) => [kind, KINDS[kind]])),
    select("from", "Size from", "Any", sizes),
    select("to", "Size to", "Any", sizes),
    search(),
    toggle("ties", "A tie counts", [["half", "half"], ["strict", "as wrong"]]),
    toggle("mean", "Average over", [["micro", "pairs"], ["macro", "criteria"]]),
  ];
  const reset = element("button", { type: "button", class: "quiet", onclick: () => change(initial()) }, "Reset");
  form.append(...inputs, reset);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, ({ target }) => {
      if ((kind === "input") === (target.type === "search")) change({ [target.name]: target.value });
    });
  }
}

// Show the state in the controls.
function showControls(form, state) {
  for (const input of form.querySelectorAll("[name]")) {
    if (input.type === "radio") input.checked = input.value === state[input.name];
    else if (input.value !== state[input.name]) input.value = state[input.name];
  }
}

// What the controls show at first; sorting and what is open stay as they are.
function initial() {
  const { sort, order, model, ...rest } = DEFAULTS;
  return rest;
}

function select(name, label, all, options) {
  const input = element("select", { name, id: `filter-${name}` });
  input.append(...[["", all], ...options].map(([value, said]) => element("option", { value }, said)));
  return element("div", { class: `control control-${name}` }, element("label", { for: input.id }, label), input);
}

function search() {
  const input = element("input", {
    type: "search", name: "search", id: "filter-search", autocomplete: "off", spellcheck: "false",
  });
  return element("div", { class: "control control-search" }, element("label", { for: input.id }, "Model"), input);
}

function toggle(name, legend, options) {
  const radios = options.map(([value, said]) => {
    const id = `${name}-${value}`;
    const radio = element("input", { type: "radio", name, id, value });
    return element("span", { class: "option" }, radio, element("label", { for: id }, said));
  });
  return element("fieldset", { class: "control" }, element("legend", {}, legend), ...radios);
}
