// The board: every change of the state is worked out anew from the pairs and shown.

function start() {
  const board = readBoard("board-data");
  const place = (id) => document.getElementById(id);
  const form = place("filters");
  let state = null;

  function change(part) {
    state = { ...state, ...part };
    showControls(form, state);
    show();
    remember(state);
  }

  const act = {
    sort: ({ name, first }) => {
      const turned = state.order === "ascending" ? "descending" : "ascending";
      change({ sort: name, order: state.sort === name ? turned : first });
    },
    open: (name) => change({ model: state.model === name ? "" : name }),
    // A third model takes the place of the one chosen first.
    compare: (name) => {
      const others = state.compare.filter((other) => other !== name);
      change({ compare: others.length < state.compare.length ? others : [...others, name].slice(-2) });
    },
  };

  function show() {
    const credit = creditOf(state.ties);
    const wanted = Object.fromEntries(Object.entries(GROUPING).map(([name, by]) => [by, state[name]]));
    const selection = placesOf(board, wanted);
    const groups = state.mean === "macro" ? apart(board, selection, "aspect") : null;
    const entries = board.models.map((model, number) => ({
      model,
      place: number,
      result: measure(model, credit, selection, groups),
    }));
    const shown = sorted(ranked(entries).filter(({ model }) => isShown(model, state)), state);
    showTable(table, shown, state, (model) =>
      profile(model, board, selection, credit, () => closeProfile(model)),
    );
    say(place("summary"), summary(shown.length, selection.n));
    showComparison(selection, credit);
  }

  function closeProfile(model) {
    act.open(model.name);
    const own = table.rows[board.models.indexOf(model)];
    own.opener.focus();
  }

  function showComparison(selection, credit) {
    const [first, second] = state.compare.map((name) => board.models.find((model) => model.name === name));
    place("comparison").hidden = !second;
    place("comparison-body").replaceChildren(...(second ? comparison(first, second, board, selection, credit) : []));
    place("tray").hidden = !first;
    place("go-to-comparison").hidden = !second;
    const said = second ? `${first.name} and ${second.name}` : `${first?.name}; choose a second model`;
    if (first) say(place("tray-said"), said);
  }

  function summary(models, pairs) {
    const chosen = [...form.querySelectorAll("select")].filter((input) => input.value);
    const told = (input) => `, ${input.labels[0].textContent.toLowerCase()} ${input.selectedOptions[0].text}`;
    const where = chosen.map(told).join("");
    if (!pairs) return `No pair matches these filters${where}.`;
    const all = board.models.length;
    const shown = models === all ? count(all) : `${count(models)} of ${count(all)}`;
    const of = pairs === board.pairs ? "" : ` of ${count(board.pairs)}`;
    const ties = state.ties === "half" ? "a tie counts half" : "a tie is wrong";
    const mean = state.mean === "micro" ? "every pair counts the same" : "every criterion counts the same";
    const noun = all === 1 ? "model" : "models";
    return `${shown} ${noun} on ${count(pairs)}${of} pairs${where}; ${ties}, ${mean}.`;
  }

  function restore() {
    if (location.hash && !location.hash.includes("=")) return state || change(stateOf("", board)); // a heading's anchor
    return change(stateOf(location.hash, board));
  }

  buildControls(form, board, change);
  const table = buildTable(place("board"), board, act);
  place("clear-comparison").addEventListener("click", () => {
    change({ compare: [] });
    form.querySelector("select").focus();
  });
  place("go-to-comparison").addEventListener("click", () => {
    place("comparison").scrollIntoView();
    place("comparison-title").focus({ preventScroll: true });
  });
  window.addEventListener("hashchange", restore);
  restore();
  place("interactive").hidden = false;
}

function say(holder, text) {
  if (holder.textContent !== text) holder.textContent = text;
}

// The state in the page's address, without a step in the history; a heading's anchor stays until there is a state to tell.
function remember(state) {
  const fragment = fragmentOf(state);
  if (fragment === location.hash.replace(/^#/, "")) return;
  if (!fragment && !location.hash.includes("=")) return;
  history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
}

start();
