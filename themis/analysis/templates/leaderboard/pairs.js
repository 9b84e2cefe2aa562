// The pairs and every model's outcomes, unpacked; which pairs a filter leaves; what a model made of them.

// Outcomes; 0 is a loss.
const TIE = 1;
const WIN = 2;
const MISSING = 3;

function readBoard(id) {
  const data = JSON.parse(document.getElementById(id).textContent);
  const columns = {};
  for (const [by, column] of Object.entries(data.columns)) {
    columns[by] = { names: column.names, labels: column.labels, codes: integers(column) };
  }
  const cluster = integers(data.cluster);
  return {
    pairs: data.pairs,
    columns,
    cluster,
    clusters: cluster.reduce((most, code) => Math.max(most, code + 1), 0),
    models: data.models.map((model) => ({ ...model, outcomes: outcomesOf(model.outcomes, data.pairs) })),
  };
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Little-endian integers of 1, 2 or 4 bytes.
function integers({ width, codes }) {
  const bytes = bytesOf(codes);
  const numbers = new Uint32Array(bytes.length / width);
  for (let i = 0; i < numbers.length; i++) {
    for (let k = width - 1; k >= 0; k--) numbers[i] = numbers[i] * 256 + bytes[i * width + k];
  }
  return numbers;
}

function outcomesOf(text, pairs) {
  const bytes = bytesOf(text);
  const outcomes = new Uint8Array(pairs);
  for (let i = 0; i < pairs; i++) outcomes[i] = (bytes[i >> 2] >> ((i & 3) * 2)) & 3;
  return outcomes;
}

// Places of the pairs in the chosen groups; `wanted` maps a grouping to the name of a group, or to nothing for all.
function placesOf(board, wanted) {
  const tests = Object.entries(wanted)
    .filter(([, name]) => name)
    .map(([by, name]) => [board.columns[by].codes, board.columns[by].names.indexOf(name)]);
  const places = [];
  for (let i = 0; i < board.pairs; i++) {
    if (tests.every(([codes, code]) => codes[i] === code)) places.push(i);
  }
  return selectionOf(board, Uint32Array.from(places));
}

// A selection: places [n] of pairs, the cluster of each numbered from 0, and the sizes of the clusters.
function selectionOf(board, places) {
  const renumbered = new Int32Array(board.clusters).fill(-1);
  const cluster = new Int32Array(places.length);
  const sizes = [];
  for (let i = 0; i < places.length; i++) {
    const own = board.cluster[places[i]];
    if (renumbered[own] < 0) renumbered[own] = sizes.push(0) - 1;
    cluster[i] = renumbered[own];
    sizes[cluster[i]] += 1;
  }
  return { n: places.length, places, cluster, sizes: Float64Array.from(sizes) };
}

// The selection apart by a grouping, without groups that have no pair: [{name, label, selection}].
function apart(board, selection, by) {
  const { names, labels, codes } = board.columns[by];
  const members = names.map(() => []);
  for (const place of selection.places) members[codes[place]].push(place);
  return names
    .map((name, code) => ({ name, label: labels[code], places: members[code] }))
    .filter(({ places }) => places.length)
    .map(({ name, label, places }) => ({ name, label, selection: selectionOf(board, Uint32Array.from(places)) }));
}

// What an outcome is worth; a missing one is wrong.
function creditOf(ties) {
  const credit = new Float64Array(4);
  credit[WIN] = 1;
  credit[TIE] = ties === "half" ? 0.5 : 0;
  return credit;
}

function clusterSums(outcomes, credit, selection) {
  const sums = new Float64Array(selection.sizes.length);
  const { places, cluster } = selection;
  for (let i = 0; i < places.length; i++) sums[cluster[i]] += credit[outcomes[places[i]]];
  return { sums, sizes: selection.sizes, n: selection.n };
}

// A model on a selection: {n, ties, missing, value, low, high}; `groups` are the parts that count the same, if any.
function measure(model, credit, selection, groups = null) {
  const counts = countsOf(model.outcomes, selection);
  const estimate = groups
    ? macroMean(groups.map((group) => clusterSums(model.outcomes, credit, group.selection)))
    : micro(model, credit, selection);
  return { n: selection.n, ties: counts[TIE], missing: counts[MISSING], ...estimate };
}

function micro(model, credit, selection) {
  const { sums, sizes, n } = clusterSums(model.outcomes, credit, selection);
  return clusteredWilson(sums, sizes, n);
}

function countsOf(outcomes, selection) {
  const counts = [0, 0, 0, 0];
  for (const place of selection.places) counts[outcomes[place]] += 1;
  return counts;
}

// Two models on the same pairs: {n, value, low, high, p, first, second}, the last two the pairs only one has right.
function compareModels(first, second, credit, selection) {
  const sums = new Float64Array(selection.sizes.length);
  const alone = [0, 0];
  for (let i = 0; i < selection.n; i++) {
    const a = first.outcomes[selection.places[i]];
    const b = second.outcomes[selection.places[i]];
    sums[selection.cluster[i]] += credit[a] - credit[b];
    if (a === WIN && b !== WIN) alone[0] += 1;
    if (b === WIN && a !== WIN) alone[1] += 1;
  }
  return {
    n: selection.n,
    first: alone[0],
    second: alone[1],
    ...meanDifference(sums, selection.sizes, selection.n),
  };
}
