// Two models on the same pairs: by how many points one leads, over all pairs and by criterion.

function comparison(first, second, board, selection, credit) {
  const all = { name: "overall", label: "All chosen pairs", selection };
  const results = [all, ...apart(board, selection, "aspect")].map((group) => ({
    ...group,
    result: compareModels(first, second, credit, group.selection),
  }));
  const most = reachOf(results.map(({ result }) => result));
  const rows = results.map((group) => differenceRow(group, most));
  const said = element("p", { class: "verdict" }, verdict(first.name, second.name, results[0].result));
  const heads = ["", "Difference, points", "p", "Only first", "Only second", "Pairs"];
  const table = parts(`Scale: −${Math.round(100 * most)} to +${Math.round(100 * most)} points`, heads, rows);
  return [said, names(first.name, second.name), table, note()];
}

// The least multiple of 5 points that holds every difference and its interval.
function reachOf(results) {
  const ends = results.flatMap(({ value, low, high }) => [value, low, high]).filter(Number.isFinite);
  return Math.max(1, Math.ceil(20 * Math.max(0, ...ends.map(Math.abs)))) / 20;
}

function differenceRow({ name, label, result }, most) {
  const drawn = bar(result, { least: -most, most, line: 0, origin: 0 });
  return element(
    "tr",
    { "data-group": name },
    element("th", { scope: "row", role: "rowheader" }, label),
    estimateCell("Difference, points", result, drawn, saidEstimate(result, points)),
    numberCell("p", result.p, probability(result.p)),
    numberCell("Only first", result.first),
    numberCell("Only second", result.second),
    numberCell("Pairs", result.n),
  );
}

function verdict(first, second, { n, value, low, high, p }) {
  if (!n) return "No pair matches these filters.";
  if (p === 1 && value === 0) return `${first} and ${second} are equally often right on these pairs.`;
  const [ahead, behind, lead] = value >= 0 ? [first, second, value] : [second, first, -value];
  const said = `${ahead} leads ${behind} by ${percent(lead)} points`;
  if (!Number.isFinite(p)) return `${said}; too few prompts, or differences too much alike, to test it.`;
  const ends = value >= 0 ? [low, high] : [-high, -low];
  const chance = `p ${p < 0.0001 ? "" : "= "}${probability(p)}`;
  const sure = `95% interval ${points(ends[0])} to ${points(ends[1])}, ${chance}`;
  return `${said} (${sure})${p < 0.05 ? "." : ": too little to tell them apart."}`;
}

function names(first, second) {
  const entry = (role, name) => element("div", {}, element("dt", {}, role), element("dd", {}, name));
  return element("dl", { class: "facts" }, entry("First", first), entry("Second", second));
}

function note() {
  return element(
    "p",
    { class: "soft" },
    "First − second; every pair counts the same. “Only first” are the pairs that the first model wins and the " +
      "second does not. Intervals and p are Student’s, over prompts; they are not adjusted for the number of comparisons.",
  );
}
