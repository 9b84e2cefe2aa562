// A model's profile: its accuracy by criterion and by language on the chosen pairs, and the registry's facts.

function profile(model, board, selection, credit, close) {
  const parts = [
    ["By criterion", "aspect"],
    ["By language", "language"],
  ].map(([title, by]) => breakdown(title, model, apart(board, selection, by), credit));
  const closer = element("button", { type: "button", class: "quiet", onclick: close }, "Close");
  const heading = element("div", { class: "head" }, element("h3", {}, model.name), closer);
  const label = `Profile of ${model.name}`;
  return element("section", { class: "profile", "aria-label": label }, heading, facts(model), ...parts);
}

function breakdown(title, model, groups, credit) {
  const rows = groups.map(({ label, name, selection }) => {
    const result = measure(model, credit, selection);
    const head = element("th", { scope: "row", role: "rowheader" }, label);
    const accuracy = estimateCell("Accuracy, %", result, bar(result), saidEstimate(result, percent));
    return element(
      "tr",
      { "data-group": name },
      head,
      accuracy,
      numberCell("Ties", result.ties),
      numberCell("Missing", result.missing),
      numberCell("Pairs", result.n),
    );
  });
  return parts(title, ["", "Accuracy, %", "Ties", "Missing", "Pairs"], rows);
}

// A small table with a caption: the first two columns are a name and an estimate, the others numbers.
function parts(title, heads, rows) {
  const cells = heads.map((said, place) =>
    said ? element("th", { scope: "col", class: place > 1 ? "number" : null }, said) : element("td"),
  );
  return element(
    "table",
    { class: "parts" },
    element("caption", {}, title),
    element("thead", {}, element("tr", {}, ...cells)),
    element("tbody", {}, ...rows),
  );
}

function facts(model) {
  const known = [
    ["Family", model.family],
    ["Size", model.size === null ? null : `${model.size} billion parameters`],
    ["Class", KINDS[model.kind]],
    ["Architecture", model.architecture],
    ["Hub", model.hub && linked(model.hub, hubAddress(model.hub))],
    ["Licence", model.license],
    ["Citation", model.citation && linked(model.citation, citationAddress(model.citation))],
  ];
  const list = element("dl", { class: "facts" });
  for (const [name, value] of known) {
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value || "not verified")));
  }
  return list;
}

function hubAddress(hub) {
  return /^[\w.-]+\/[\w.-]+$/.test(hub) ? `https://huggingface.co/${hub}` : null;
}

function citationAddress(citation) {
  if (/^\d{4}\.\d{4,5}(v\d+)?$/.test(citation)) return `https://arxiv.org/abs/${citation}`;
  return /^https?:\/\//.test(citation) ? citation : null;
}

function linked(said, address) {
  return address ? element("a", { href: address, rel: "noopener noreferrer" }, said) : said;
}
